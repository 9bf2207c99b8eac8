# Printed by core/manual/generate.py from what --help says.

_acurast_service()
{
    local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} words=
    if [ "$word" = = ]; then # --flag=VALUE is three words
        word=
    elif [ "$flag" = = ]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    case $flag in
    --log-level) words='off error warn info debug' ;;
    --extensions | --presence) words='on off' ;;
    --tls-cert | --tls-key | --allow-file | --deny-file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --watchdog | --threads | --listen | --admin-listen | --name | --trust-proxy | --allow | --deny | --difficulty | --handshake-time | --handshake-rate | --max-pending | --max-connections | --max-connections-per-address | --max-frame | --send-buffer | --socket-send-buffer | --socket-receive-buffer | --rate-messages | --rate-bytes | --mailbox-count | --mailbox-bytes | --mailbox-seconds | --mailbox-total | --memory | --ping-interval | --ping-timeout | --drain-time | --watches) return ;;
    *) words='--watchdog --healthcheck --threads --log-level --listen --admin-listen --name --tls-cert --tls-key --trust-proxy --allow --deny --allow-file --deny-file --difficulty --handshake-time --handshake-rate --max-pending --max-connections --max-connections-per-address --max-frame --send-buffer --socket-send-buffer --socket-receive-buffer --rate-messages --rate-bytes --mailbox-count --mailbox-bytes --mailbox-seconds --mailbox-total --memory --ping-interval --ping-timeout --drain-time --extensions --presence --watches --help --version' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _acurast_service acurast-service
