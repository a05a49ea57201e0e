/**
 * Runs in each test file: each request has a connection of its own. The local runtime closes one that is kept after
 * five seconds, by a clock it reads before it works: when it has worked for seconds, that is just after its answer,
 * when the next request is on its way.
 */
import { Agent, setGlobalDispatcher } from 'undici'

setGlobalDispatcher(new Agent({ pipelining: 0 }))
