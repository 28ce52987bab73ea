# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_nightdesk_global_optspecs
    string join \n config= h/help V/version
end

function __fish_nightdesk_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_nightdesk_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_nightdesk_using_subcommand
    set -l cmd (__fish_nightdesk_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c nightdesk -n "__fish_nightdesk_needs_command" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_needs_command" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -s V -l version -d 'Print version'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "run" -d 'Run the desk until it is asked to stop (SIGTERM or Ctrl-C)'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "demo" -d 'See the whole desk at work in a simulated world: eleven leads, nothing leaves this machine'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "check" -d 'Find everything that is wrong with the configuration, and with what it names'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "doctor" -d 'Find what is wrong with this box: service, modems, clock, power, disk, listeners'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "status" -d 'Show how the desk stands: alerts first, then channels and counts'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "leads" -d 'Look at leads'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "dlq" -d 'Look at dead letters, retry or discard them'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "quarantine" -d 'Look at requests that were refused, or let them in'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "sources" -d 'Look at sources: list them, test a mapping, print a sample'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "secrets" -d 'Keep the secrets that systemd hands to the desk'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "prompt" -d 'Print what the first model would be sent, and send nothing'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "replay" -d 'Run a lead through the pipeline again'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "reconcile" -d 'Look into the CRMs for leads whose webhook never came'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "send-test" -d 'Post a signed sample lead to the running desk, as a source would'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "backup" -d 'Copy the database while the desk runs, and remove the oldest copies'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "modem" -d 'Find modems, see how one is, send a text by hand, read PDUs'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "oncall" -d 'See who is called for urgent leads, now and later, and let somebody stand in'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "mail" -d 'See which addresses get no mail, and what was sent'
complete -c nightdesk -n "__fish_nightdesk_needs_command" -f -a "version" -d 'Print the version'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand run" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand run" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand demo" -l misbehave -d 'Make one of the simulators misbehave, to see that the demo notices' -r -f -a "llm\t'The model chats instead of classifying'
hubspot\t'HubSpot is down'
salesforce\t'Salesforce is down'
zendesk\t'Zendesk is down'
mail\t'The mail server refuses every mail'
twilio\t'Twilio is down'
modem\t'The modem takes texts and falls silent'"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand demo" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand demo" -l once -d 'Stop after the samples; exit 0 only if every lead ended as it should'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand demo" -l json -d 'Print what became of each sample as JSON, and nothing else'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand demo" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand check" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand check" -l static -d 'Only the file, its secrets and ports; no folder, no listener, no vendor'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand check" -l online -d 'Also ask each model, CRM and SMS vendor whether it takes us'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand check" -l create-properties -d 'Create the CRM properties that we write, then ask the CRM whether it takes us'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand check" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand check" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand doctor" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand doctor" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand status" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand status" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand status" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and not __fish_seen_subcommand_from list show" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and not __fish_seen_subcommand_from list show" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and not __fish_seen_subcommand_from list show" -f -a "list" -d 'List the newest leads'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and not __fish_seen_subcommand_from list show" -f -a "show" -d 'Tell one lead\'s whole story: payload, text, prompt, answer, every try'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from list" -l limit -d 'At most so many' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from list" -l open -d 'Only leads that are not settled, or need a person'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from show" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand leads; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and not __fish_seen_subcommand_from list show retry discard" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and not __fish_seen_subcommand_from list show retry discard" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and not __fish_seen_subcommand_from list show retry discard" -f -a "list" -d 'List the open dead letters, oldest first'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and not __fish_seen_subcommand_from list show retry discard" -f -a "show" -d 'Tell why one died and what to do, with its payload and every try'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and not __fish_seen_subcommand_from list show retry discard" -f -a "retry" -d 'Do them again, with fresh deadlines and counters'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and not __fish_seen_subcommand_from list show retry discard" -f -a "discard" -d 'Close them without doing them; they stay in the database'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from list" -l stage -d 'Only those that died there' -r -f -a "gate\t''
classify\t''
desk\t''
sms\t''
mail\t''
ticket\t''
crm\t''"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from list" -l class -d 'Only those that died of this' -r -f -a "transient\t''
throttled\t''
auth\t''
unknown\t''
permanent\t''
crash\t''"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from list" -l lead -d 'Only those of this lead' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from show" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l stage -d 'Only those that died there' -r -f -a "gate\t''
classify\t''
desk\t''
sms\t''
mail\t''
ticket\t''
crm\t''"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l class -d 'Only those that died of this' -r -f -a "transient\t''
throttled\t''
auth\t''
unknown\t''
permanent\t''
crash\t''"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l lead -d 'Only those of this lead' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l all -d 'All that are open'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l yes -d 'Don\'t ask'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l stage -d 'Only those that died there' -r -f -a "gate\t''
classify\t''
desk\t''
sms\t''
mail\t''
ticket\t''
crm\t''"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l class -d 'Only those that died of this' -r -f -a "transient\t''
throttled\t''
auth\t''
unknown\t''
permanent\t''
crash\t''"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l lead -d 'Only those of this lead' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l all -d 'All that are open'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l yes -d 'Don\'t ask'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand dlq; and __fish_seen_subcommand_from discard" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and not __fish_seen_subcommand_from list replay" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and not __fish_seen_subcommand_from list replay" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and not __fish_seen_subcommand_from list replay" -f -a "list" -d 'List refused requests, newest first'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and not __fish_seen_subcommand_from list replay" -f -a "replay" -d 'Let them in as if they had authenticated: do it after mending a mistyped secret'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -l yes -d 'Don\'t ask'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand quarantine; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and not __fish_seen_subcommand_from list test sample" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and not __fish_seen_subcommand_from list test sample" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and not __fish_seen_subcommand_from list test sample" -f -a "list" -d 'List the sources: their addresses, kinds and proofs'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and not __fish_seen_subcommand_from list test sample" -f -a "test" -d 'Show what would be read from a body that a source sent'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and not __fish_seen_subcommand_from list test sample" -f -a "sample" -d 'Print a body as a source would send it'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from test" -l content-type -d 'The body\'s Content-Type, if it is none that goes without saying' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from test" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from test" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from sample" -l message -d 'What the lead writes, if not the built-in sample of an urgent buyer' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from sample" -l record -d 'The id of a CRM record' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from sample" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand sources; and __fish_seen_subcommand_from sample" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and not __fish_seen_subcommand_from set list remove" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and not __fish_seen_subcommand_from set list remove" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and not __fish_seen_subcommand_from set list remove" -f -a "set" -d 'Write a secret, read from standard input, and restart the desk with it'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and not __fish_seen_subcommand_from set list remove" -f -a "list" -d 'List secrets: their kind, what uses them, which are missing; never their values'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and not __fish_seen_subcommand_from set list remove" -f -a "remove" -d 'Remove a secret'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from set" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from set" -l sealed -d 'Encrypt it with a key of this machine (systemd-creds): a copy of /etc is worth nothing, the whole card still is'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from set" -l no-restart -d 'Don\'t restart the desk: it takes the secret at its next start'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from remove" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from remove" -l yes -d 'Don\'t ask'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand secrets; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand prompt" -l lead -d 'The lead\'s code (K7), its id, or the first 8 or more characters of that' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand prompt" -l message -d 'What a lead would write, in place of one there is' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand prompt" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand prompt" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand prompt" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand replay" -l from -d 'Where to start' -r -f -a "classify\t'Clean the message and ask the model again'
route\t'Keep the class, plan its actions again'"
complete -c nightdesk -n "__fish_nightdesk_using_subcommand replay" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand replay" -l again -d 'Do again what was done: a second text, a second note'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand replay" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l crm -d 'Only this CRM: the NAME of [crm.NAME]' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l since -d 'Since when, such as "2026-11-23 18:00" or 36h, instead of since the last look' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l never -d 'Never take in this record of the CRM, because its person was erased' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l dry-run -d 'Tell what would be taken in, and take in nothing'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l no-wait -d 'Don\'t wait for its end'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand reconcile" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand send-test" -l message -d 'What the lead writes, if not the built-in sample of an urgent buyer' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand send-test" -l record -d 'The id of a real CRM record, so that the write-back can be seen; without it nothing is written back' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand send-test" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand send-test" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand send-test" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand backup" -l to -d 'Where to, if not backups/ in the data folder' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand backup" -l keep -d 'Keep so many there, the new one among them; older ones go' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand backup" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand backup" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand backup" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "list" -d 'List the serial ports that may have a modem, and what answers there'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "info" -d 'Show everything that is known of a modem'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "send" -d 'Send a text through a modem, as it is typed'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "watch" -d 'Follow what a modem does, until Ctrl-C'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "doctor" -d 'Find what keeps a modem from sending, each with its cure'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "reset" -d 'Have a modem start anew, by command'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "power-cycle" -d 'Have a modem that hangs switched off and on again'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "encode" -d 'Show the PDUs of a text, as the modem gets them'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and not __fish_seen_subcommand_from list info send watch doctor reset power-cycle encode decode" -f -a "decode" -d 'Read a PDU: a text that came in, one that went out, or a status report'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from info" -l port -d 'The modem on this port, whether it is configured or not' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from info" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from info" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from send" -l port -d 'The modem on this port, whether it is configured or not' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from send" -l to -d 'To whom: + and 7 to 15 digits, such as +15551234567' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from send" -l wait -d 'How long to wait for a delivery report' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from send" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from send" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from send" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from watch" -l port -d 'The modem on this port, whether it is configured or not' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from watch" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from watch" -l json -d 'Print JSON, all that is known at each change'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from doctor" -l port -d 'The modem on this port, whether it is configured or not' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from doctor" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from doctor" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from doctor" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from reset" -l port -d 'The modem on this port, whether it is configured or not' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from reset" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from reset" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from power-cycle" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from power-cycle" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from encode" -l to -d 'To whom: +E.164, or a national number or short code without the plus' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from encode" -l reference -d 'Reference shared by the parts of a longer text' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from encode" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from encode" -l status-report -d 'Ask the network to report what became of it'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from encode" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from encode" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from decode" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from decode" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand modem; and __fish_seen_subcommand_from decode" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -f -a "now" -d 'Tell who would be called now, and who after that'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -f -a "next" -d 'Tell what changes next'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -f -a "calendar" -d 'List who would be called, stretch by stretch'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -f -a "override" -d 'Let somebody stand in, list who does, or take it back'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and not __fish_seen_subcommand_from now next calendar override test" -f -a "test" -d 'Test whether somebody\'s phone is reached, by a text that says so'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from now" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from now" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from now" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from next" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from next" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from calendar" -l days -d 'So many days' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from calendar" -l from -d 'From this day on, such as 2026-12-24, instead of now' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from calendar" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from calendar" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from calendar" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l from -d 'From when, such as "2026-12-24 18:00", instead of now' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l until -d 'Until when' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l for -d 'For how long, such as 8h, instead of --until' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l cancel -d 'Take this one of the list back' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l list -d 'List those that are to come'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from override" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from test" -l wait -d 'How long to wait for a delivery report or an answer' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from test" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from test" -l no-wait -d 'Don\'t wait: the desk tells by an alert'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from test" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand oncall; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -f -a "list" -d 'List addresses that get no mail, by their hashes, newest first'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -f -a "suppress" -d 'Send no more mail to an address'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -f -a "unsuppress" -d 'Let an address get mail again'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -f -a "preview" -d 'Print the mail that a lead would get; nothing is sent'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and not __fish_seen_subcommand_from list suppress unsuppress preview send-test" -f -a "send-test" -d 'Send a mail to an address of yours, past the desk'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from list" -l limit -d 'At most so many' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from list" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from list" -l sent -d 'List the mails that were sent instead'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from suppress" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from suppress" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from suppress" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from unsuppress" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from unsuppress" -l yes -d 'Don\'t ask, also if its owner has unsubscribed'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from unsuppress" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from unsuppress" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from preview" -l message -d 'What a lead would write, in place of one there is' -r
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from preview" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from preview" -l html -d 'Print the HTML'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from preview" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from preview" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from send-test" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from send-test" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand mail; and __fish_seen_subcommand_from send-test" -s h -l help -d 'Print help'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand version" -l config -d 'The desk\'s configuration' -r -F
complete -c nightdesk -n "__fish_nightdesk_using_subcommand version" -l json -d 'Print JSON'
complete -c nightdesk -n "__fish_nightdesk_using_subcommand version" -s h -l help -d 'Print help'
