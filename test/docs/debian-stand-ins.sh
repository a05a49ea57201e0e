# What stands for systemd, apt, certbot and the users of a whole machine; all else is done by the real programs.
# The packages are installed, and users are not made on this machine: everything runs as the user of this test.
apt-get() { :; }
adduser() { :; }
install() { local words=(); while (($#)); do case $1 in -o|-g) shift 2 ;; *) words+=("$1"); shift ;; esac; done; command install "${words[@]}"; }
runuser() {
  local user=$2; shift 3
  if [[ $user == postgres ]]; then PGHOST=127.0.0.1 PGPORT=$POSTGRES PGUSER=postgres "$@"; else "$@"; fi
}
# No registry is asked: the packages are those of the checkout.
npm() {
  if [[ $1 == ci ]]; then [[ -e node_modules ]] || cp -al "$CHECKOUT/node_modules" . 2> /dev/null || { rm -rf node_modules; cp -a "$CHECKOUT/node_modules" .; }; else command npm "$@"; fi
}
# No authority knows this name.
certbot() {
  local live=$ROOT/etc/letsencrypt/live/matrix.example.org
  mkdir -p "$live"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=matrix.example.org     -addext subjectAltName=DNS:matrix.example.org,IP:127.0.0.1     -keyout "$live/privkey.pem" -out "$live/fullchain.pem" 2>/dev/null
}
# Debian's own nginx is left alone: the site stands in a whole configuration, on ports of its own.
site() {
  { printf 'pid %s/nginx.pid;
events {}
http {
access_log off;
' "$ROOT"
    for kind in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/%s;
' "$kind" "$ROOT" "$kind"; done
    sed -e "s#/etc/#$ROOT/etc/#; s#listen 443#listen 127.0.0.1:$HTTPS#; s#127.0.0.1:8008#127.0.0.1:$SERVER#"       "$ROOT/etc/nginx/conf.d/selvedge.conf"
    printf '}
'; } > "$ROOT/nginx.conf"
}
nginx() {
  site
  command nginx -e "$ROOT/nginx.log" -p "$ROOT" -c "$ROOT/nginx.conf" "$@" 2>> "$ROOT/nginx.log"
  [[ $* != -t ]] || echo 'nginx: it takes the site'
}
unit() { sed -n "s#^$2=##p" "$ROOT/etc/systemd/system/$1.service" | sed -e "s#/srv/#$ROOT/srv/#g; s#/var/#$ROOT/var/#g; s#%%#%#g"; }
start_server() {
  ( set -a; . "$ROOT/etc/selvedge/selvedge.env"; SELVEDGE_PORT=$SERVER; set +a
    cd "$(unit selvedge WorkingDirectory)"
    exec setsid $(unit selvedge ExecStart) > "$ROOT/selvedge.log" 2>&1 < /dev/null & echo $! > "$ROOT/selvedge.pid" )
  for ((n = 0; n < 600; n++)); do curl -fsS "http://127.0.0.1:$SERVER/health" > /dev/null 2>&1 && return; sleep 0.1; done
  cat "$ROOT/selvedge.log"; return 1
}
end() {
  local file=$ROOT/$1.pid pid
  [[ -e $file ]] || return 0
  pid=$(cat "$file"); kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  rm -f "$file"
}
stop_all() { end selvedge; end nginx; end redis; }
systemctl() {
  case $* in
    'restart redis-server') redis-server "$ROOT/etc/redis/redis.conf" --daemonize yes --pidfile "$ROOT/redis.pid" > /dev/null ;;
    'daemon-reload')
      mkdir -p "$ROOT/units"
      for file in "$ROOT"/etc/systemd/system/*; do sed "s#/srv/#$ROOT/srv/#g" "$file" > "$ROOT/units/$(basename "$file")"; done
      if ! command -v systemd-analyze > /dev/null || ! systemd-analyze verify --man=no "$ROOT"/units/* 2>&1 | grep selvedge
      then echo 'systemd: nothing is wrong with the units'; fi ;;
    'enable --now selvedge' | 'restart selvedge') end selvedge; start_server ;;
    'enable --now selvedge-backup.timer') : ;;
    'start selvedge-backup') ( cd "$(unit selvedge-backup WorkingDirectory)"; eval "$(unit selvedge-backup ExecStart)" ) ;;
    'reload nginx') nginx ;;
    *) echo "the page asks systemctl for $*, and this test does not know how"; return 1 ;;
  esac
}
