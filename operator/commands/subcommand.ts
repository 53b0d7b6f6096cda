/** What the commands for people share on the command line. */
import { Option, type Command } from 'commander';
import { FORMATS, type OutputFlags, type WhereFlags } from './run.ts';

export interface Program {
  readonly root: Command;
  /** It was started as `kubectl smtpplus`. */
  readonly isPlugin: boolean;
}

export type Flags = WhereFlags & OutputFlags;

/** How a command says what it does. */
export interface Help {
  readonly summary: string;
  readonly description: string;
  /** Without the name of the program. */
  readonly example: string;
  /** What its exit codes mean, where it is not the usual. */
  readonly exitCodes?: string;
  readonly formats?: readonly string[];
}

const EXIT_CODES =
  'The exit code is 0 if it succeeds, 1 if something does not exist or fails, and 2 if the command is wrong or nobody answers.';

/** With the options that say where to look and how to answer. */
export function addSubcommand({ root, isPlugin }: Program, parent: Command, name: string, help: Help): Command {
  const { summary, description, example, exitCodes = EXIT_CODES, formats = FORMATS } = help;
  return parent
    .command(name)
    .summary(summary)
    .description(`${description}\n\n${whereHelp(isPlugin)} ${exitCodes}\n\nExample: ${root.name()} ${example}`)
    .addOption(new Option('-o, --output <FORMAT>', 'format of the answer').choices(formats).default('text'))
    .option('-n, --namespace <NAMESPACE>', 'only this namespace')
    .option(
      '--state <DIR>',
      'state folder of one process (default: .smtp-plus, if it is there and no cluster is named)',
    )
    .option('--kubeconfig <FILE>', 'kubeconfig of the cluster (default: as kubectl)')
    .option('--context <NAME>', 'context of the kubeconfig (default: the current one)')
    .option('--installation <NAMESPACE>', 'namespace of SMTP+ itself on the cluster', 'smtp-plus');
}

function whereHelp(isPlugin: boolean): string {
  return isPlugin
    ? 'It looks at the cluster of the kubeconfig; --state makes it look at one process instead.'
    : 'It works on the process whose state folder is here, or is named by --state, and otherwise on the cluster of the kubeconfig.';
}
