# Printed by core/manual/generate.py from what --help says.

_acurast_peer()
{
    local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} words=
    if [ "$word" = = ]; then # --flag=VALUE is three words
        word=
    elif [ "$flag" = = ]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        words='keygen id request serve send listen look ping --help --version'
    else
        case ${COMP_WORDS[1]} in
        keygen) words='--out --key --ed25519 --json --help --version' ;;
        id) words='--key --json --help --version' ;;
        request) words='--key --to --need --agree --retry --progress --timeout --json --threads --log-level --url --failover --connect-timeout --handshake-timeout --backoff-min --backoff-max --refused-backoff --reconnect-when-replaced --outbox-count --outbox-bytes --serve-running --serve-waiting --send-timeout --max-payload --ping-interval --ping-timeout --max-work --linger --ca-file --ca-pem --proxy --extensions --help --version' ;;
        serve) words='--key --exec --threads --log-level --url --failover --connect-timeout --handshake-timeout --backoff-min --backoff-max --refused-backoff --reconnect-when-replaced --outbox-count --outbox-bytes --serve-running --serve-waiting --send-timeout --max-payload --ping-interval --ping-timeout --max-work --linger --ca-file --ca-pem --proxy --extensions --help --version' ;;
        send) words='--key --to --file --hex --until --wait --timeout --json --threads --log-level --url --failover --connect-timeout --handshake-timeout --backoff-min --backoff-max --refused-backoff --reconnect-when-replaced --outbox-count --outbox-bytes --serve-running --serve-waiting --send-timeout --max-payload --ping-interval --ping-timeout --max-work --linger --ca-file --ca-pem --proxy --extensions --help --version' ;;
        listen) words='--key --echo --count --hex --quiet --timeout --json --threads --log-level --url --failover --connect-timeout --handshake-timeout --backoff-min --backoff-max --refused-backoff --reconnect-when-replaced --outbox-count --outbox-bytes --serve-running --serve-waiting --send-timeout --max-payload --ping-interval --ping-timeout --max-work --linger --ca-file --ca-pem --proxy --extensions --help --version' ;;
        look) words='--key --timeout --json --threads --log-level --url --failover --connect-timeout --handshake-timeout --backoff-min --backoff-max --refused-backoff --reconnect-when-replaced --outbox-count --outbox-bytes --serve-running --serve-waiting --send-timeout --max-payload --ping-interval --ping-timeout --max-work --linger --ca-file --ca-pem --proxy --extensions --help --version' ;;
        ping) words='--key --to --count --interval --timeout --json --threads --log-level --url --failover --connect-timeout --handshake-timeout --backoff-min --backoff-max --refused-backoff --reconnect-when-replaced --outbox-count --outbox-bytes --serve-running --serve-waiting --send-timeout --max-payload --ping-interval --ping-timeout --max-work --linger --ca-file --ca-pem --proxy --extensions --help --version' ;;
        esac
    fi
    case $flag in
    --log-level) words='off error warn info debug' ;;
    --failover) words='ordered sticky' ;;
    --reconnect-when-replaced | --extensions) words='on off' ;;
    --out | --key | --ca-file | --ca-pem | --file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --to | --need | --timeout | --threads | --url | --connect-timeout | --handshake-timeout | --backoff-min | --backoff-max | --refused-backoff | --outbox-count | --outbox-bytes | --serve-running | --serve-waiting | --send-timeout | --max-payload | --ping-interval | --ping-timeout | --max-work | --linger | --proxy | --exec | --until | --wait | --count | --interval) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _acurast_peer acurast-peer
