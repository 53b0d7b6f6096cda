/** Mistakes on the command line: one line each, with what to do. */
import type { Command } from 'commander';

/** For a program before it has subcommands, which take it over. */
export function inOneLine(program: Command): Command {
  return program.configureOutput({
    outputError: (text, write) => {
      const line = text.trim().replaceAll(/\s*\n\s*/g, ' ');
      const isBare = /^error: unknown (option|command)/.test(line) && !line.includes('Did you mean');
      write(`${line}${isBare ? '; --help lists what there is' : ''}\n`);
    },
  });
}

/** Where a flag has two values, one of them would be silently dropped. Applies to the commands within it, too. */
export function refuseRepeats(command: Command, repeatable: readonly string[] = []): void {
  for (const option of command.options.filter(({ long }) => !repeatable.includes(long ?? ''))) {
    let isGiven = false;
    command.on(`option:${option.name()}`, () => {
      if (isGiven) command.error(`error: ${option.long} is given twice; once will do`);
      isGiven = true;
    });
  }
  for (const inner of command.commands) refuseRepeats(inner, repeatable);
}
