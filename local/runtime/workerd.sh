#!/bin/sh
# Starts the Workers runtime so that it never outlives the process that started it.
echo $$ > "$SELVEDGE_WORKERD_PID_FILE"
if setpriv --pdeathsig KILL true 2>/dev/null; then
  exec setpriv --pdeathsig KILL "$SELVEDGE_WORKERD" "$@"
fi
# No setpriv, as on macOS: a loop watches over both.
parent=$PPID
(while kill -0 "$parent" && kill -0 "$$"; do sleep 1; done; kill -9 "$$") </dev/null >/dev/null 2>&1 3>&- &
exec "$SELVEDGE_WORKERD" "$@"
