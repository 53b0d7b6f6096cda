#!/usr/bin/env node
/**
 * The command line. Each subcommand is imported when it is asked for, so that `check` in a pipeline loads neither a mail
 * server nor a Kubernetes client, and runs on any Node that a pipeline has.
 */
import { basename } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { OUTPUT_FORMATS, type OutputFormat } from './check/output.ts';
import { addCommands } from './commands/program.ts';
import { EXIT_USAGE } from './end-of-run.ts';
import { readPeers } from './relays/fleet-flags.ts';
import { messageOf } from './errors.ts';
import type { OperatorFlags } from './main.ts';
import { parsePorts } from './ports.ts';
import type { RelayFlags } from './relays/process.ts';
import { WORKERS_MAX, type WorkersSetting } from '../relay/workers/setting.ts';
import { inOneLine, refuseRepeats } from './commands/usage-errors.ts';

const SERVER_NODE_MAJOR = 24;
const PORTS_HELP =
  'ports with STARTTLS, such as 2525,1025-5000; a single port must be free, busy ports of a range are skipped; 0 is any free port';
const WORKERS_HELP = 'processes that accept mail: a number, or auto for as many as cores and memory allow';
const SKIP_HELP = 'start without the ports that are in use, even those that are not part of a range';

/** kubectl finds its plugins by the names of their files: `kubectl smtpplus` runs `kubectl-smtpplus`. */
const IS_PLUGIN = basename(process.argv[1] ?? '').startsWith('kubectl-smtpplus');

const program = inOneLine(new Command(IS_PLUGIN ? 'kubectl smtpplus' : 'smtp-plus'))
  .description('An authenticated SMTP submission relay whose lists, users and verified senders are Kubernetes objects')
  .version(packageJson.version)
  .exitOverride();

program
  .command('standalone')
  .summary('run everything in one process on a folder of manifests')
  .description(
    'Run everything in one process on a folder of manifests, without a cluster.\n\n' +
      'Settings come from flags, then from the settings file, then from defaults. The settings file is the one that --settings ' +
      'names, or else DIR/settings.yaml; examples/settings.yaml is a good one to copy. Anybody who can write into DIR can ' +
      'write DIR/settings.yaml too. If they must not, keep the file elsewhere and name it with --settings.\n\n' +
      'Example: smtp-plus standalone manifests --existing-sender shop=shop.example',
  )
  .argument('[DIR]', 'folder of manifests (default: examples)')
  .option('--settings <FILE>', 'settings file (YAML; default: DIR/settings.yaml, if it exists)')
  .option('--no-settings', 'no settings file, not even DIR/settings.yaml')
  .option('--existing-sender <NS=SENDER>', 'domain or address that a namespace may send as; repeatable', append)
  .option('--state <DIR>', 'Secrets, statuses, spool and certificates (default: .smtp-plus)')
  .option('--host <ADDRESS>', 'address to listen on (default: 127.0.0.1)')
  .addOption(portsOption('--ports <LIST>', PORTS_HELP + ' (default: 2525)'))
  .option('--skip-busy-ports', SKIP_HELP)
  .addOption(portsOption('--implicit-tls-ports <LIST>', 'ports with TLS from the first byte (default: none)'))
  .addOption(workersOption(`${WORKERS_HELP} (default: 1)`))
  .addOption(portOption('--http <PORT>', 'port of /metrics, /healthz, /readyz, /configz (default: 9465)'))
  .option('--capture <DIR>', 'where the capture upstream writes messages (default: STATE/outbox)')
  .option('--strict', 'refuse an object with a field that its kind does not have, instead of only warning')
  .option(
    '--prune',
    'delete the Secrets of all users who are gone, however many, and of those whose manifests are in another DIR',
  )
  .option('--json', 'print only JSON lines; {"event":"ready",...} has the ports')
  .action(async (folder: string | undefined, flags: Record<string, unknown>) => {
    requireServerNode();
    const { runStandalone } = await import('./standalone/standalone.ts');
    process.exit(await runStandalone({ ...flags, folder }));
  });

program
  .command('check')
  .summary('check manifests before they are merged')
  .description(
    'Check manifests: schema, unknown fields, references, conflicts. The exit code is 0 if all is well, 1 if there are ' +
      'errors, and 2 if the command is wrong.\n\n' +
      'All paths are checked together. If only single files are named, a list that is missing from them is just a warning, ' +
      'because it may be in a file that is not named. Relay classes come from the settings file: the one that --settings ' +
      'names, or else the one in DIR.\n\n' +
      'Example: smtp-plus check manifests --output github',
  )
  .argument('<PATH...>', 'folders of manifests, files, and - for standard input')
  .option(
    '--settings <FILE>',
    'settings file, which is checked too (default: DIR/settings.yaml, if DIR is the only path)',
  )
  .option('--no-settings', 'no settings file, not even DIR/settings.yaml')
  .addOption(new Option('-o, --output <FORMAT>', 'format of the report').choices(OUTPUT_FORMATS).default('text'))
  .action(async (paths: string[], flags: { output: OutputFormat; settings?: string | false }) => {
    const { runCheck } = await import('./check/check.ts');
    const write = (text: string): void => void process.stdout.write(text);
    process.exitCode = await runCheck(paths, { ...flags, stdin: process.stdin, write });
  });

addCommands({ root: program, isPlugin: IS_PLUGIN });

program
  .command('crds')
  .summary('print the CustomResourceDefinitions')
  .option('--write <DIR>', 'write them as files into this folder instead')
  .action(async ({ write }: { write?: string }) => {
    const { renderCrds, writeCrds } = await import('./crds.ts');
    if (write === undefined)
      process.stdout.write(
        renderCrds()
          .map(({ text }) => `---\n${text}`)
          .join(''),
      );
    else for (const name of await writeCrds(write).catch(fail)) console.log(name);
  });

program
  .command('operator')
  .summary('run the operator in or beside a cluster')
  .option('--settings <FILE>', 'settings file (YAML)')
  .option('--kubeconfig <FILE>', 'kubeconfig of the cluster to work on (default: the cluster that it runs in)')
  .option('--namespace <NAME>', 'namespace of the operator itself (default: that of its pod)')
  .option('--service-account <DIR>', 'folder with token, CA and namespace (default: that of a pod)')
  .addOption(portOption('--http <PORT>', 'port of /metrics, /healthz, /readyz (default: 9465)'))
  .action(async (flags: OperatorFlags) => {
    requireServerNode();
    const { runOperator } = await import('./main.ts');
    process.exit(await runOperator(flags));
  });

program
  .command('relay')
  .summary('run the relay alone, from a folder of configuration')
  .description('Run only the relay, with the configuration in a folder. It reads the folder again whenever it changes.')
  .requiredOption('--config <DIR>', 'class.json and shard-NNN.json, as the operator writes them')
  .requiredOption('--state <DIR>', 'spool')
  .option('--tls-cert <FILE>', 'certificate chain (PEM); default: a self-signed one, made in the state folder')
  .option('--tls-key <FILE>', 'key of the certificate (PEM)')
  .option('--host <ADDRESS>', 'address to listen on (default: all)')
  .addOption(portsOption('--ports <LIST>', PORTS_HELP).default('2525'))
  .addOption(new Option('--skip-busy-ports', SKIP_HELP).default(false, 'a busy single port prevents the start'))
  .addOption(portsOption('--implicit-tls-ports <LIST>', 'ports with TLS from the first byte').default(''))
  .addOption(workersOption(WORKERS_HELP).default(1))
  .addOption(portOption('--http <PORT>', 'port of /metrics, /healthz, /readyz, /configz').default(9465))
  .option('--capture <DIR>', 'where the capture upstream writes messages (default: STATE/outbox)')
  .addOption(
    peersOption(
      '--peers <HOST:PORT>',
      'host name that leads to all relays of the fleet, and the port where they take mail from each other',
    ),
  )
  .addOption(portOption('--handover-port <PORT>', 'port for mail from other relays (default: that of --peers)'))
  .option('--name <NAME>', 'name of this relay in its fleet (default: the host name)')
  .option('--last-words <FILE>', 'file for the number of messages that are left in the spool at the end')
  .option('--drain', 'take no mail: deliver or hand over what is in the spool, and end when nothing is left', false)
  .action(async (flags: RelayFlags) => {
    requireServerNode();
    if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
      program.error('error: --tls-cert and --tls-key go together');
    }
    const { runRelay } = await import('./relays/process.ts');
    process.exit(await runRelay(flags));
  });

for (const command of program.commands) refuseRepeats(command, ['--existing-sender', '--log']);

// `smtp-plus status | head`: it is no fault that nobody reads on
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Ends with a line for people, where an exception would be our own fault. */
function fail(error: unknown): never {
  return program.error(`error: ${messageOf(error)}`);
}

function portsOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const list = parsePorts(text);
    if ('problem' in list) throw new InvalidArgumentError(`The list ${list.problem}.`);
    return text;
  });
}

function workersOption(description: string): Option {
  return new Option('--workers <N>', description).argParser((text): WorkersSetting => {
    const isCount = /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= WORKERS_MAX;
    if (text !== 'auto' && !isCount) throw new InvalidArgumentError(`It must be auto, or 1 to ${WORKERS_MAX}.`);
    return text === 'auto' ? text : Number(text);
  });
}

function peersOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (readPeers(text) === undefined) throw new InvalidArgumentError('It must be HOST:PORT.');
    return text;
  });
}

function portOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const isPort = /^\d{1,5}$/.test(text) && Number(text) <= 65535;
    if (!isPort) throw new InvalidArgumentError('It must be one port, 1 to 65535, or 0 for any free one.');
    return Number(text);
  });
}

/** The bundle starts on older ones, for the sake of `check`; servers need what only this one has. */
function requireServerNode(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= SERVER_NODE_MAJOR) return;
  program.error(
    `error: this needs Node ${SERVER_NODE_MAJOR} or later, and this is Node ${process.versions.node}; install it, or run the container image`,
  );
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
}
