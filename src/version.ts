/** The version of this server, as `package.json` has it. */
export const VERSION = '0.1.0'
