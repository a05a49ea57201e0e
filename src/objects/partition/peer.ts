/** A partition as other objects call it. What a method does stands beside its row in the partition's table. */
import type { Delivery } from './records.ts'

/** Properties, not methods: of these the compiler compares the parameters with those of the rows. */
export interface PartitionPeer {
  append: (deliveries: Delivery[]) => Promise<boolean>
  positionOf: (source: string) => Promise<number | undefined>
}
