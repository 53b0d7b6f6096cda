#!/usr/bin/env node
/**
 * The command line. Each subcommand is imported when it is asked for, so that `check` in a pipeline loads neither a mail
 * server nor a Kubernetes client, and runs on any Node that a pipeline has.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { OUTPUT_FORMATS, type OutputFormat } from './check/output.ts';
import { EXIT_USAGE } from './end-of-run.ts';
import { messageOf } from './errors.ts';
import type { OperatorFlags } from './main.ts';
import { parsePorts } from './ports.ts';
import type { RelayFlags } from './relay-process.ts';
import { WORKERS_MAX, type WorkersWish } from '../relay/workers-wish.ts';
import { inOneLine, refuseRepeats } from './usage-errors.ts';

const SERVER_NODE_MAJOR = 24;
const PORTS_HELP =
  'ports with STARTTLS, such as 2525,1025-5000: each one that is named must be free, those of a range are skipped where they are not; 0 is any free port';
const WORKERS_HELP = 'processes that take mail: a number, or auto for as many as there are cores and memory for';
const SKIP_HELP = 'go on without ports that are in use, even where they are named';

const program = inOneLine(new Command('smtp-plus'))
  .description('An authenticated SMTP submission relay whose lists, users and verified senders are Kubernetes objects')
  .version(packageJson.version)
  .exitOverride();

program
  .command('standalone')
  .summary('run everything in one process on a folder of manifests')
  .description(
    'Run everything in one process on a folder of manifests, without a cluster.\n\n' +
      'Settings come from flags, then from a settings file, then from defaults. The file is that of --settings, else ' +
      'DIR/settings.yaml, which examples/settings.yaml shows how to write. Whoever may write into DIR then writes settings ' +
      'too: where they must not, keep the file elsewhere and name it.',
  )
  .argument('[DIR]', 'folder of manifests (default: examples)')
  .option('--settings <FILE>', 'settings file (YAML; default: DIR/settings.yaml, where it is there)')
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
  .option('--strict', 'refuse an object with a field that its kind does not have, where the default is to warn')
  .option(
    '--prune',
    'delete the Secrets of all users who are gone, however many, or whose manifests are in another DIR',
  )
  .option('--json', 'print JSON lines only; {"event":"ready",...} tells the ports')
  .action(async (folder: string | undefined, flags: Record<string, unknown>) => {
    requireServerNode();
    const { runStandalone } = await import('./standalone.ts');
    process.exit(await runStandalone({ ...flags, folder }));
  });

program
  .command('check')
  .summary('check manifests before they are merged')
  .description(
    'Check manifests: schema, unknown fields, references, conflicts. Exits 0 (fine), 1 (errors) or 2 (usage).\n\n' +
      'All paths are checked together. Files alone, without a folder or standard input, are taken for a part: what they ' +
      'refer to may be in others. Relay classes are those of the settings, which are found as `standalone` finds them.',
  )
  .argument('<PATH...>', 'folders of manifests, files, and - for standard input')
  .option(
    '--settings <FILE>',
    'settings file, which is checked too (default: DIR/settings.yaml, where DIR is the only path)',
  )
  .option('--no-settings', 'no settings file, not even DIR/settings.yaml')
  .addOption(new Option('--output <FORMAT>', 'form of the report').choices(OUTPUT_FORMATS).default('text'))
  .action(async (paths: string[], flags: { output: OutputFormat; settings?: string | false }) => {
    const { runCheck } = await import('./check/check.ts');
    const write = (text: string): void => void process.stdout.write(text);
    process.exitCode = await runCheck(paths, { ...flags, stdin: process.stdin, write });
  });

program
  .command('status')
  .summary('say how lists, users and senders stand, of a process on a folder')
  .description(
    'Say how lists, users and senders stand, as `kubectl describe` does on a cluster: read from the state folder of a ' +
      'process that runs on a folder of manifests. For a sender: which DNS record, where, what was seen instead, and when ' +
      'the next look is. Exits 0, 1 (something is not there) or 2 (usage).',
  )
  .argument(
    '[WHAT...]',
    'kinds (spl, spu, vsender), NAMESPACE/NAME, and NAMESPACE/ for all of it (default: everything)',
  )
  .option('--state <DIR>', 'the state folder of the process', '.smtp-plus')
  .action(async (what: readonly string[], { state }: { state: string }) => {
    const { runStatus } = await import('./status/status.ts');
    process.exitCode = await runStatus(what, { state, write: (text) => void process.stdout.write(text) });
  });

program
  .command('crds')
  .summary('print the CustomResourceDefinitions')
  .option('--write <DIR>', 'write them as files instead')
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
  .option('--kubeconfig <FILE>', 'cluster to work on (default: the one that it runs in)')
  .option('--namespace <NAME>', 'its own namespace (default: that of its pod)')
  .option('--service-account <DIR>', "token, CA and namespace (default: where a pod's are)")
  .addOption(portOption('--http <PORT>', 'port of /metrics, /healthz, /readyz (default: 9465)'))
  .action(async (flags: OperatorFlags) => {
    requireServerNode();
    const { runOperator } = await import('./main.ts');
    process.exit(await runOperator(flags));
  });

program
  .command('relay')
  .summary('run the relay alone, from a folder of configuration')
  .description('Run the relay alone. It serves what its configuration folder says, and reads it again when it changes.')
  .requiredOption('--config <DIR>', 'class.json and shard-NNN.json, as the operator writes them')
  .requiredOption('--state <DIR>', 'spool')
  .option('--tls-cert <FILE>', 'certificate chain (PEM); default: a certificate of its own, made in the state folder')
  .option('--tls-key <FILE>', 'its key (PEM)')
  .option('--host <ADDRESS>', 'address to listen on (default: all)')
  .addOption(portsOption('--ports <LIST>', PORTS_HELP).default('2525'))
  .addOption(new Option('--skip-busy-ports', SKIP_HELP).default(false, 'they end it'))
  .addOption(portsOption('--implicit-tls-ports <LIST>', 'ports with TLS from the first byte').default(''))
  .addOption(workersOption(WORKERS_HELP).default(1))
  .addOption(portOption('--http <PORT>', 'port of /metrics, /healthz, /readyz, /configz').default(9465))
  .option('--capture <DIR>', 'where the capture upstream writes messages (default: STATE/outbox)')
  .action(async (flags: RelayFlags) => {
    requireServerNode();
    if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
      program.error('error: --tls-cert and --tls-key go together');
    }
    const { runRelay } = await import('./relay-process.ts');
    process.exit(await runRelay(flags));
  });

for (const command of program.commands) refuseRepeats(command, ['--existing-sender']);

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
  return new Option('--workers <N>', description).argParser((text): WorkersWish => {
    const isCount = /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= WORKERS_MAX;
    if (text !== 'auto' && !isCount) throw new InvalidArgumentError(`It must be auto, or 1 to ${WORKERS_MAX}.`);
    return text === 'auto' ? text : Number(text);
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
