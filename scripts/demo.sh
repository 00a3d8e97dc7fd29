#!/usr/bin/env bash
# Shows pipeactor at work: installs what this needs, builds pipecat, starts servers, sends a text
# file of this machine through them with other programs (python3, socat, nc) and with pipecat,
# compares byte for byte, and prints rates. Takes less than a minute once built, and leaves
# nothing running.
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 0)); then
  echo "usage: scripts/demo.sh" >&2
  exit 2
fi

scripts/setup.sh --demo
cmake --preset release >/dev/null
cmake --build --preset release --target pipecat --parallel "${PIPEACTOR_JOBS:-$(nproc)}"
pipecat=$PWD/build/bin/pipecat

work=$(mktemp -d /tmp/pipeactor-demo-XXXXXX)
server=
receivers=()
passed=0

clean_up() {
  # Those that still run.
  for process in $server "${receivers[@]}"; do
    kill "$process" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

die() {
  echo "demo: $*" >&2
  if [[ -s $work/log ]]; then
    sed 's/^/  server: /' "$work/log" >&2
  fi
  exit 1
}

# start_server OPTION...: sets `server` to its process and `address` to its socket.
start_server() {
  rm -f "$work/ready"
  mkfifo "$work/ready"
  "$pipecat" listen "pipeactor-demo-$$" -v "$@" >"$work/ready" 2>"$work/log" </dev/null &
  server=$!
  local line=
  read -r line <"$work/ready" || die "no server"
  address=${line#LISTENING }
  echo "\$ pipecat listen pipeactor-demo-$$ $*"
  echo "$line ($(sed -n 's/^pipecat: port /port /p' "$work/log"))"
}

# stop_server: ends it by SIGTERM; it must leave no file.
stop_server() {
  kill "$server"
  wait "$server" || die "the server's exit code is $?"
  server=
  [[ ! -e $address ]] || die "the server left $address"
}

# wait_for COMMAND...: waits until it succeeds, at most 20 s.
wait_for() {
  local deadline=$((SECONDS + 20))
  until "$@" 2>/dev/null; do
    ((SECONDS < deadline)) || die "waited in vain for: $*"
    sleep 0.02
  done
}

# same NAME GOT WANTED [NOTE]: compares two files byte for byte.
same() {
  cmp -s "$2" "$3" || die "$1: other bytes came back"
  passed=$((passed + 1))
  printf '  %-38s the same bytes, %s\n' "$1" "${4:-$(stat -c %s "$3") bytes}"
}

# rate COUNT BEGIN END: messages a second, the times in nanoseconds.
rate() { echo "$1 messages, $(($1 * 1000000000 / ($3 - $2))) messages/s"; }

# -- the text -------------------------------------------------------------------------------

text=/usr/share/common-licenses/GPL-3
if [[ ! -r $text ]]; then
  text=$work/text
  cat README.md LICENSE >"$text"
fi
# Without empty lines: pipecat sends no empty messages.
grep -v '^$' "$text" >"$work/lines"
count=$(wc -l <"$work/lines")
echo
echo "The text is $text: $(wc -l <"$text") lines, $(stat -c %s "$text") bytes."

# -- an echo of messages --------------------------------------------------------------------

echo
start_server --echo
result=$(python3 scripts/lib/demo_client.py echo "$address" "$text" 1) || die "python3"
passed=$((passed + 1))
printf '  %-38s the same bytes, %s\n' "python3, SOCK_SEQPACKET, a line each" "$result"
result=$(python3 scripts/lib/demo_client.py echo "$address" "$text" 30) || die "python3"
passed=$((passed + 1))
printf '  %-38s the same bytes, %s\n' "python3, the same thirty times" "$result"
socat -t 5 - "UNIX-CONNECT:$address,type=5" <"$text" >"$work/out" || die "socat"
same "socat, type=5" "$work/out" "$text"
for ((i = 0; i < 100; ++i)); do cat "$work/lines"; done >"$work/many"
begin=$(date +%s%N)
"$pipecat" connect "pipeactor-demo-$$" --expect $((count * 100)) <"$work/many" >"$work/out" ||
  die "pipecat connect"
end=$(date +%s%N)
same "pipecat connect, a line each" "$work/out" "$work/many" \
  "$(rate $((count * 100)) "$begin" "$end")"
"$pipecat" connect "pipeactor-demo-$$" --whole --expect 1 <"$text" >"$work/out" ||
  die "pipecat connect --whole"
cat "$text" - <<<"" >"$work/wanted" # a message is printed as a line
same "pipecat connect --whole, one message" "$work/out" "$work/wanted"
stop_server

# -- an echo of bytes -----------------------------------------------------------------------

echo
start_server --echo --mode byte
nc -N -U "$address" <"$text" >"$work/out" || die "nc"
same "nc -N -U" "$work/out" "$text"
socat -t 5 - "UNIX-CONNECT:$address" <"$text" >"$work/out" || die "socat"
same "socat" "$work/out" "$text"
stop_server

# -- a broadcast ----------------------------------------------------------------------------

echo
start_server --broadcast
for i in 1 2; do
  python3 scripts/lib/demo_client.py receive "$address" "$count" >"$work/out.$i" &
  receivers+=($!)
done
"$pipecat" connect "pipeactor-demo-$$" --expect "$count" --linger 20 </dev/null >"$work/out.3" &
receivers+=($!)
socat -u "UNIX-CONNECT:$address,type=5" - >"$work/out.4" &
receivers+=($!)
wait_for grep -q "client 4 connected" "$work/log"
python3 scripts/lib/demo_client.py send "$address" "$work/lines" || die "python3, sending"
# The clients that count messages end by themselves. socat does not: it has everything once the
# sizes agree.
wait "${receivers[@]:0:3}" || die "a receiver failed"
tr -d '\n' <"$work/lines" >"$work/wanted"
has_all() { (($(stat -c %s "$work/out.4") == $(stat -c %s "$work/wanted"))); }
wait_for has_all
same "python3, first receiver" "$work/out.1" "$work/lines" "$count messages"
same "python3, second receiver" "$work/out.2" "$work/lines" "$count messages"
same "pipecat connect" "$work/out.3" "$work/lines" "$count messages"
same "socat, type=5" "$work/out.4" "$work/wanted"
stop_server

echo
echo "demo: all $passed comparisons agree, $SECONDS s"
