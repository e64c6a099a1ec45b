# fish completion of voltpipe, part of voltpipe. Generated from the definitions of the commands: do not edit.

function __voltpipe_voltpipe_at
    set -l places 'normalize' 'run'
    set -l at
    for word in (commandline -opc)[2..-1]
        contains -- (string join ' ' $at $word) $places; or break
        set -a at $word
    end
    test "$at" = "$argv"
end

complete -c voltpipe -f
complete -c voltpipe -n '__voltpipe_voltpipe_at' -a normalize -d 'turns vendor data into vehicle_telemetry: common names, common units, one state per vehicle'
complete -c voltpipe -n '__voltpipe_voltpipe_at' -a run -d 'runs a whole pipeline in one process'
complete -c voltpipe -n '__voltpipe_voltpipe_at' -l help -s h -d 'print help and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at' -l version -s V -d 'print the version and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l map -r -F -d 'mapping file, YAML or JSON, laid over the preset field by field'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l preset -x -a 'bmw bmw-spec none' -d 'built-in mapping to begin with, instead of the one that belongs to the record type'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l from -x -a 'auto bmw' -d 'whose lines without a type are taken too: bmw reads BMW'\''s own JSON as it comes from a broker'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l explain -d 'say in each record where its values came from, under the key explain'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l drop -x -d 'fields to leave out, such as lat,lon'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l max-age -x -d 'leave out values that are older than this, against the newest one of the vehicle'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l no-merge -d 'turn off: remember the last values of each vehicle'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l state -x -d 'keep what is remembered over restarts, under this name'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l strict -d 'stop at the first line that is not a record, with exit status 65'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l http -x -d 'serve /healthz, /readyz and /metrics; the host is 127.0.0.1 unless given'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l config -r -F -d 'configuration file, YAML or JSON'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l no-config -d 'read no configuration file and no system.json'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l check-config -d 'check the configuration against its schema and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l data-dir -x -a '(__fish_complete_directories)' -d 'directory of tokens, registry, ledgers and filter state'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l env-file -r -F -d 'read environment variables from a .env file; those already set win'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l timeout -x -d 'end the whole run after this time with exit status 75'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l grace -x -d 'time to drain after a signal'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l log-level -x -a 'debug info warn error' -d 'least severe message to print on stderr'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l log-format -x -a 'text json' -d 'form of the messages on stderr'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l log-file -r -F -d 'also append messages to this file, with time stamps'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l verbose -s v -d 'same as --log-level debug'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l quiet -s q -d 'same as --log-level error'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l version -s V -d 'print the version and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at normalize' -l help -s h -d 'print help, examples first, and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l strict -d 'stop at the first line that is not a record, with exit status 65'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l http -x -d 'serve /healthz, /readyz and /metrics; the host is 127.0.0.1 unless given'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l config -r -F -d 'configuration file, YAML or JSON'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l no-config -d 'read no configuration file and no system.json'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l check-config -d 'check the configuration against its schema and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l data-dir -x -a '(__fish_complete_directories)' -d 'directory of tokens, registry, ledgers and filter state'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l env-file -r -F -d 'read environment variables from a .env file; those already set win'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l timeout -x -d 'end the whole run after this time with exit status 75'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l grace -x -d 'time to drain after a signal'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l log-level -x -a 'debug info warn error' -d 'least severe message to print on stderr'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l log-format -x -a 'text json' -d 'form of the messages on stderr'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l log-file -r -F -d 'also append messages to this file, with time stamps'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l verbose -s v -d 'same as --log-level debug'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l quiet -s q -d 'same as --log-level error'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l version -s V -d 'print the version and end'
complete -c voltpipe -n '__voltpipe_voltpipe_at run' -l help -s h -d 'print help, examples first, and end'
