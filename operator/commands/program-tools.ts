/** `why`, `import`, and what editors, shells and containers need. */
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { SHELLS, type Shell } from './completion.ts';
import type { HealthFlags } from './healthcheck.ts';
import type { ImportOptions, ImportSource } from './import/import.ts';
import { FORMATS, tell, type OutputFlags } from './run.ts';
import { addSubcommand, type Help, type Program } from './subcommand.ts';
import type { LogFlags } from './log-commands.ts';

const HTTP_PORT = 9465;

export function addToolCommands(program: Program): void {
  addWhy(program);
  addAudit(program);
  addImport(program);
  addCompletion(program);
  addSchema(program);
  addHealthcheck(program);
}

function addWhy(program: Program): void {
  readingLogs(program, 'why', {
    summary: 'show every log line and the state of one message, or of the last ones to a recipient',
    description:
      'Show every line of the log about a message, and where it is now. On a cluster it reads the logs of all relay pods; ' +
      'for one process, the files that --log names. Mail addresses that the log shows as hashes are found too, if you may read the ' +
      'key of the hashes.',
    example: 'why 01M8G7DN49HC8RGJ7N --log smtp-plus.log',
  })
    .argument('<WHAT>', 'queue id, Message-ID, or address of a recipient')
    .action(async (what: string, flags: LogFlags) => {
      const { whyCommand } = await import('./log-commands.ts');
      process.exitCode = await whyCommand(what, flags, program.isPlugin);
    });
}

function addAudit(program: Program): void {
  readingLogs(program, 'audit', {
    summary: 'show who would be refused if lists that only audit enforced their rules',
    description:
      'Add up the mail that was accepted only because its list audits (`senderPolicy: {headerFrom: Audit}`): by list, user, reason ' +
      'and sender. Once it finds nobody any more, enforce the rules.',
    example: 'audit --since 168h',
  }).action(async (flags: LogFlags) => {
    const { auditCommand } = await import('./log-commands.ts');
    process.exitCode = await auditCommand(flags, program.isPlugin);
  });
}

function readingLogs(program: Program, name: string, help: Help): Command {
  return addSubcommand(program, program.root, name, help)
    .option('--log <FILE>', 'file with the log (JSON lines), or - for standard input; repeatable', append)
    .option('--since <DURATION>', 'how far back to read the logs of pods', '24h');
}

type ImportFlags = OutputFlags & {
  readonly namespace?: string;
  readonly list: string;
  readonly to?: string;
  readonly withPasswords?: boolean;
};

function addImport({ root }: Program): void {
  const group = root
    .command('import')
    .summary('write manifests from docker-postfix values, Postfix tables or a CSV file')
    .description(
      'Write manifests from the configuration of another mail server. They go to standard output, or into the folder of --to, ' +
        'and pass `check`. Whatever cannot be carried over leads to a warning. Passwords are written only with --with-passwords, and only into Secrets.',
    );
  const add = (name: string, summary: string, example: string): Command =>
    group
      .command(name)
      .summary(summary)
      .description(
        `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.\n\nExample: ${root.name()} import ${example}`,
      )
      .addOption(new Option('-o, --output <FORMAT>', 'format of the answer').choices(FORMATS).default('text'))
      .requiredOption('-n, --namespace <NAMESPACE>', 'namespace of the objects')
      .option('--list <NAME>', 'name of the list', 'imported')
      .option('--to <DIR>', 'folder for the files (default: standard output)')
      .option('--with-passwords', 'write the passwords that are found into Secrets, too');
  add(
    'docker-postfix',
    'import the values file of the docker-postfix chart',
    'docker-postfix values.yaml -n shop --to manifests',
  )
    .argument('<FILE>', 'values file')
    .action((file: string, flags: ImportFlags) => runImportCommand({ from: 'docker-postfix', file }, flags));
  add('csv', 'import a table of users', 'csv users.csv -n shop --to manifests')
    .argument('<FILE>', 'table whose first line names its columns: user, password, senders, active, description')
    .action((file: string, flags: ImportFlags) => runImportCommand({ from: 'csv', file }, flags));
  add(
    'postfix',
    'import lookup tables of Postfix',
    'postfix --sasl-passwd sasl_passwd --sender-login-maps sender_login_maps -n shop',
  )
    .option('--sasl-passwd <FILE>', 'passwords for smart hosts')
    .option('--sender-login-maps <FILE>', 'who may send as what')
    .action((flags: ImportFlags & { readonly saslPasswd?: string; readonly senderLoginMaps?: string }) =>
      runImportCommand({ from: 'postfix', ...flags }, flags),
    );
}

async function runImportCommand(source: ImportSource, { namespace, ...flags }: ImportFlags): Promise<void> {
  const { runImport } = await import('./import/import.ts');
  const options: ImportOptions = { ...flags, namespace, withPasswords: flags.withPasswords === true };
  process.exitCode = await tell(flags, () => runImport(source, options));
}

function addCompletion({ root }: Program): void {
  root
    .command('completion')
    .summary('print completion for bash, zsh or fish')
    .description(
      `Print a script that lets a shell complete commands, options and their values.\n\nExample: source <(${root.name()} completion bash)`,
    )
    .addArgument(new Argument('<SHELL>', 'the shell').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { completionFor } = await import('./completion.ts');
      process.stdout.write(completionFor(root, shell));
    });
}

function addSchema({ root }: Program): void {
  root
    .command('schema')
    .summary('print a JSON Schema for editors')
    .description(
      'Print the JSON Schema of manifests (the default), of one kind, or of the settings, for editors that complete and check ' +
        `YAML. The schemas are in the folder schemas/, too.\n\nExample: ${root.name()} schema settings > settings.schema.json`,
    )
    .argument('[WHAT]', 'manifest, settings, SmtpPlusList, SmtpPlusUser or VerifiedSender', 'manifest')
    .action(async (what: string) => {
      const { renderSchema, SCHEMA_NAMES } = await import('../json-schemas.ts');
      const name = SCHEMA_NAMES.find((one) => one.toLowerCase() === what.toLowerCase());
      if (name === undefined) root.error(`error: there is no schema of ${what}; there are ${SCHEMA_NAMES.join(', ')}`);
      else process.stdout.write(renderSchema(name));
    });
}

function addHealthcheck({ root }: Program): void {
  root
    .command('healthcheck')
    .summary('ask a process whether it is ready')
    .description(
      'Ask the HTTP port of a process whether it is ready, for the health check of a container: the exit code is 0 if it is, and ' +
        `1 if it is not, or does not answer.\n\nExample: ${root.name()} healthcheck --http 9465`,
    )
    .addOption(new Option('-o, --output <FORMAT>', 'format of the answer').choices(FORMATS).default('text'))
    .addOption(new Option('--page <PAGE>', 'what to ask').choices(['readyz', 'healthz']).default('readyz'))
    .option('--host <ADDRESS>', 'address of the process', '127.0.0.1')
    .option('--http <PORT>', 'its HTTP port', portOf, HTTP_PORT)
    .action(async (flags: HealthFlags & OutputFlags) => {
      const { runHealthcheck } = await import('./healthcheck.ts');
      process.exitCode = await tell(flags, () => runHealthcheck(flags));
    });
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be one port, 1 to 65535.');
}

function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
