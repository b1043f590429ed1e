# What the scripts of this folder share: words on stderr, the cache, locks, free ports, and processes that are known
# by their pid *and* start time, so that a pid which the system has given to somebody else is never ended.
# shellcheck shell=bash
# What one side sets, the other uses.
# shellcheck disable=SC2034,SC2154

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }
# usage WHAT IT DOES: of a script that takes no arguments.
usage() { say "usage: $0: takes no arguments. $1"; exit 2; }
need() { command -v "$1" >/dev/null || fail "$1 is needed: $2"; }

cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/empire-controller

# Waits for the lock FILE and holds it until this shell ends. Without flock(1) two builds may both do the work; they
# still cannot collide, since each works in a folder of its own and one rename decides.
hold_lock() {
  command -v flock >/dev/null || return 0
  exec 9>"$1"
  flock --nonblock 9 || { say "waiting for another process that holds $1"; flock 9; }
}

# The first 12 hex digits of the SHA-256 of stdin.
fingerprint() { openssl dgst -sha256 -r | cut -c1-12; }

# Prints N free ports, one a line. All are held open until the last is found, so that they differ.
free_ports() {
  python3 - "$1" <<'PYTHON'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held:
    each.bind(("127.0.0.1", 0))
for each in held:
    print(each.getsockname()[1])
PYTHON
}

# The rest works in $folder: NAME.log is what NAME printed, NAME.pid its pid and start time.

# In clock ticks since the machine started, field 22 of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. As a
# date, which ps prints, it moves with the clock, and a process that runs would seem to be another.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# launch NAME COMMAND...: in the background, out of reach of the terminal's signals, holding none of our descriptors.
launch() {
  local name=$1
  shift
  (trap '' HUP && exec "$@") >"$folder/$name.log" 2>&1 </dev/null 3>&- 9>&- &
  local pid=$!
  printf '%s\n%s\n' "$pid" "$(started_at "$pid")" >"$folder/$name.pid"
}

# Prints the pid of NAME if it runs.
pid_of() {
  local pid started
  { read -r pid && read -r started; } 2>/dev/null <"$folder/$1.pid" || return 1
  [ -n "$started" ] && [ "$(started_at "$pid")" = "$started" ] && echo "$pid"
}

# end NAME [SIGNAL]: ends it and waits until it is gone.
end() {
  local pid tries=0
  if pid=$(pid_of "$1"); then
    kill -s "${2:-KILL}" "$pid" 2>/dev/null
    while [ -n "$(pid_of "$1")" ]; do
      tries=$((tries + 1))
      [ "$tries" -lt 100 ] || kill -s KILL "$pid" 2>/dev/null
      sleep 0.1
    done
  fi
  rm -f "$folder/$1.pid"
}

# await NAME SECONDS WHAT TEST...: until TEST succeeds. Fails with the log's tail if NAME ends or the time is over.
await() {
  local name=$1 deadline=$((SECONDS + $2)) what=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    if [ -z "$(pid_of "$name")" ]; then
      lament "$name" "$name ended before $what"
      return 1
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      lament "$name" "gave up waiting until $what"
      return 1
    fi
    sleep 0.1
  done
}

lament() {
  say "error: $2. The end of its log ($folder/$1.log):"
  tail -n 25 "$folder/$1.log" >&2
}

# From now on this script stops when its stdin closes, which it does however the process at the other end came to die.
# It is given as descriptor 3, since a background job's own is /dev/null.
stop_with_stdin() {
  { while read -r _; do :; done; kill -s TERM "$$"; } <&3 >/dev/null 2>&1 9>&- &
  stdin_watch=$!
}

# supervise NAME...: says `ready`, then stays until a signal asks to stop or one of the processes ends. What is to be
# done then must be trapped on EXIT.
supervise() {
  local name stopping=
  # It only notes the signal: where one ends bash in the middle of a command substitution, what is trapped on EXIT is not done.
  trap 'stopping=yes' TERM INT HUP
  echo "ready"
  while [ -z "$stopping" ]; do
    for name in "$@"; do
      [ -n "$(pid_of "$name")" ] || { lament "$name" "$name ended"; exit 1; }
    done
    # A signal interrupts `wait`, which it does not do to a command in the foreground.
    sleep 1 >/dev/null 2>&1 3>&- 9>&- &
    wait "$!" || true
  done
}
