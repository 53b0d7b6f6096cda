/** docs/reference/commands.md: each command as `--help` says it. */
import { Command } from 'commander';
import { addCommands } from '../operator/commands/program.ts';
import { code, table } from './reference.ts';

export function commandReference(): string {
  const root = new Command('smtp-plus');
  addCommands({ root, isPlugin: false });
  return visible(root).flatMap(sectionsOf).join('\n\n');
}

function visible(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');
}

function sectionsOf(command: Command): readonly string[] {
  const inner = visible(command);
  if (inner.length > 0) return inner.flatMap(sectionsOf);
  const help = command.createHelp();
  const title = help.commandUsage(command).replace(' [options]', '');
  const rows = [
    ...help
      .visibleArguments(command)
      .map((argument) => [code(help.argumentTerm(argument)), help.argumentDescription(argument)]),
    ...help
      .visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map((option) => [code(help.optionTerm(option)), help.optionDescription(option)]),
  ];
  const description = command.description().replace(/\n\nExample: (.*)$/, '\n\n```sh\n$1\n```');
  return [`## ${title.replaceAll('<', '\\<')}`, description, table(['argument or option', 'meaning'], rows)];
}
