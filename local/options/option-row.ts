/** What is true of an option. */

export interface OptionRow {
  /** The environment variable; `SELVEDGE_` and the flag's name unless told. */
  variable?: string
  value: string
  default?: string
  /** A command takes no default here: the running server, or its keys, know it. */
  known?: true
  help: string
  /** Says what is wrong with a value, or nothing. */
  check?: (text: string) => string | undefined
}
