/**
 * Completion for shells, generated from the commands themselves so that it never differs from them. It starts no
 * process of ours.
 */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow on one command. */
interface Place {
  /** Names of the commands that lead there: `queue list`; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly Option[];
}

export function completionFor(root: Command, shell: Shell): string {
  const places = placesOf(root, '');
  // for `kubectl smtpplus`, kubectl completes by itself
  const name = root.name().split(' ').join('-');
  switch (shell) {
    case 'bash':
      return bashScript(name, places);
    case 'zsh':
      return zshScript(name, places);
    case 'fish':
      return fishScript(name, places);
  }
}

function placesOf(command: Command, path: string): readonly Place[] {
  const help = command.createHelp();
  const inner = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const here: Place = {
    path,
    subcommands: inner.map((one) => ({ name: one.name(), summary: one.summary() || one.description() })),
    options: help.visibleOptions(command),
  };
  return [here, ...inner.flatMap((one) => placesOf(one, path === '' ? one.name() : `${path} ${one.name()}`))];
}

function flagsOf({ long, short }: Option): readonly string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

/** Files are what a value without choices is, where its name says so. */
function takesFile({ flags }: Option): boolean {
  return /<(FILE|DIR)>/.test(flags);
}

function functionName(name: string): string {
  return `_${name.replaceAll('-', '_')}`;
}

/** Lines that both bash and zsh understand: they set `words` and `values`. */
function caseLines(places: readonly Place[]): readonly string[] {
  return places.flatMap(({ path, subcommands, options }) => [
    `    ${quoted(path)})`,
    `      words=${quoted([...subcommands.map(({ name }) => name), ...options.flatMap(flagsOf)].join(' '))}`,
    '      case "$previous" in',
    ...options
      .filter(takesValue)
      .map((option) => `        ${flagsOf(option).join('|')}) values=${quoted(valuesOf(option))} ;;`),
    '      esac ;;',
  ]);
}

/** What may follow an option: `@files`, `@any`. */
function valuesOf(option: Option): string {
  if (option.argChoices !== undefined) return option.argChoices.join(' ');
  return takesFile(option) ? '@files' : '@any';
}

/** Which command the words before the cursor lead to. */
function pathLines(places: readonly Place[], words: string): readonly string[] {
  const steps = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return [
    `  for word in ${words}; do`,
    '    case "${place:+$place }$word" in',
    `      ${steps.join('|')}) place="\${place:+$place }$word" ;;`,
    '    esac',
    '  done',
  ];
}

function bashScript(name: string, places: readonly Place[]): string {
  return [
    `# ${name} completion for bash: source <(${name} completion bash)`,
    `${functionName(name)}() {`,
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" place="" word words="" values=""',
    ...pathLines(places, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"'),
    '  case "$place" in',
    ...caseLines(places),
    '  esac',
    '  case "$values" in',
    '    @files) COMPREPLY=($(compgen -f -- "$current")); return ;;',
    '    @any) COMPREPLY=(); return ;;',
    '    ?*) words="$values" ;;',
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '  if [ -z "$values" ] && [ "${current#-}" = "$current" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi',
    '}',
    `complete -o filenames -F ${functionName(name)} ${name}`,
    '',
  ].join('\n');
}

function zshScript(name: string, places: readonly Place[]): string {
  return [
    `#compdef ${name}`,
    `# ${name} completion for zsh: source <(${name} completion zsh), or a file _${name} in your fpath`,
    `${functionName(name)}() {`,
    '  local previous="${words[CURRENT-1]}" place="" word values=""',
    '  local -a before; before=("${(@)words[2,CURRENT-1]}")',
    '  local words=""',
    ...pathLines(places, '"${before[@]}"'),
    '  case "$place" in',
    ...caseLines(places),
    '  esac',
    '  case "$values" in',
    '    @files) _files; return ;;',
    '    @any) return ;;',
    '    ?*) words="$values" ;;',
    '  esac',
    '  compadd -- ${=words}',
    '  if [[ -z "$values" && "$PREFIX" != -* ]]; then _files; fi',
    '}',
    `if [ "$funcstack[1]" = "_${name}" ]; then ${functionName(name)} "$@"; else compdef ${functionName(name)} ${name}; fi`,
    '',
  ].join('\n');
}

function fishScript(name: string, places: readonly Place[]): string {
  const at = functionName(name);
  return [
    `# ${name} completion for fish: ${name} completion fish | source`,
    `function ${at}_place`,
    '  set -l place',
    '  for word in (commandline -opc)[2..]',
    '    switch (string join -- " " $place $word)',
    `      case ${places
      .filter(({ path }) => path !== '')
      .map(({ path }) => quoted(path))
      .join(' ')}`,
    '        set -a place $word',
    '    end',
    '  end',
    '  test "$(string join -- " " $place)" = "$argv[1]"',
    'end',
    ...places.flatMap(({ path, subcommands, options }) => {
      const here = `complete -c ${name} -n ${fishQuoted(`${at}_place ${fishQuoted(path)}`)}`;
      return [
        ...subcommands.map((one) => `${here} -f -a ${one.name} -d ${fishQuoted(one.summary)}`),
        ...options.map((option) => {
          const flags = flagsOf(option).map((flag) =>
            flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
          );
          const values = option.argChoices === undefined ? '' : ` -a ${fishQuoted(option.argChoices.join(' '))}`;
          const file = takesValue(option) ? (takesFile(option) ? ' -r -F' : ' -x') : '';
          return `${here} ${flags.join(' ')}${file}${values} -d ${fishQuoted(option.description)}`;
        }),
      ];
    }),
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
