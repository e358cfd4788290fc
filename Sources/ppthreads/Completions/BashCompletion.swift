// SPDX-License-Identifier: Apache-2.0

/// A function that bash calls for each completion: what a value may be follows from the command and the flag before it.
struct BashCompletion {
    private let commands: [Command]

    init(_ commands: [Command]) { self.commands = commands }

    var text: String {
        return """
            # Completions of ppthreads for bash.
            _ppthreads() {
                local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
                local words= files= list=
                # What follows --flag= is a word of its own, and so is the sign.
                if [[ $word == = ]]; then word=; elif [[ $flag == = ]]; then flag=${COMP_WORDS[COMP_CWORD-2]}; fi
                if ((COMP_CWORD == 1)); then
                    words='\((Main.entries.map(\.name) + ["--help", "--version"]).joined(separator: " "))'
                else
                    case "$command $flag" in
                        'help help') words='\(Main.helpTopics.joined(separator: " "))' ;;
            \(commands.flatMap(valueCases).joined(separator: "\n"))
                        *)
                            case "$command" in
            \(commands.map(flagsCase).joined(separator: "\n"))
                            esac ;;
                    esac
                fi
                local before=
                if [[ $list && $word == *,* ]]; then before=${word%,*}, word=${word##*,}; fi
                local IFS=$'\\n'
                COMPREPLY=($(compgen -P "$before" -W "${words// /$'\\n'}" -- "$word"))
                [[ $files ]] && COMPREPLY+=($(compgen -P "$before" -f -- "$word")) && compopt -o filenames
                [[ $list ]] && compopt -o nospace
                return 0
            }
            complete -F _ppthreads ppthreads
            """
    }

    /// A line for each of a command's flags that take a value, and one for its argument.
    private func valueCases(_ command: Command) -> [String] {
        let argument = command.argument.map { [line([command.name], command, $0)] } ?? []
        return argument + command.flags.filter { $0.placeholder != nil }.map { line($0.names, command, $0.values) }
    }

    private func line(_ names: [String], _ command: Command, _ values: FlagValues) -> String {
        let patterns = names.map { "'\(command.name) \($0)'" }.joined(separator: "|")
        let settings = [
            values.words.isEmpty ? nil : "words='\(values.words.joined(separator: " "))'",
            values.allowsFiles ? "files=1" : nil, values.isList ? "list=1" : nil,
        ]
        return "            \(patterns)) \((settings.compactMap { $0 } + [";;"]).joined(separator: " "))"
    }

    private func flagsCase(_ command: Command) -> String {
        let names = (command.flags.flatMap(\.names) + ["--help"]).joined(separator: " ")
        return "                    \(command.name)) words='\(names)' ;;"
    }
}
