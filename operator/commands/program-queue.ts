/** `queue` and its subcommands, and `mail`. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { MESSAGES_MAX } from '../../relay/admin/messages-max.ts';
import type { QueueChange, Selected } from './queue.ts';
import { runMail, runOnQueue, terminalWidth } from './run.ts';
import { addSubcommand, type Flags, type Help, type Program } from './subcommand.ts';

type SelectFlags = Flags & Omit<Selected, 'ids'> & { readonly all?: boolean };

const LIST_DEFAULT = 100;

export function addQueueCommands(program: Program): void {
  const queue = program.root
    .command('queue')
    .summary('manage the mail that waits: list, show, retry, hold, release, drop, export')
    .description(
      'Manage the mail that waits for smart hosts. In one process this goes over a socket in its state folder, which only ' +
        'the user that runs the process may open; on a cluster, over pods/exec of the API server. The relay logs each change, and who made it.',
    );
  addLooks(program, queue);
  addChanges(program, queue);
  addInner(queue);
  addMail(program);
}

function addLooks(program: Program, queue: Command): void {
  selecting(
    addSubcommand(program, queue, 'list', {
      summary: 'list messages that wait',
      description:
        'List messages that wait, the oldest first, with the time of the next attempt and the last reply of the smart host.',
      example: 'queue list --list shop/transactional --only held',
    }),
  )
    .option('--limit <N>', `how many messages to show, at most ${MESSAGES_MAX}`, countOf, LIST_DEFAULT)
    .action(async (flags: SelectFlags & { readonly limit: number }) => {
      const { runQueueList } = await import('./queue.ts');
      const options = { limit: flags.limit, width: terminalWidth() };
      process.exitCode = await runOnQueue({ ...flags, ...program }, (door) =>
        runQueueList(door, { ...flags, ids: [] }, options),
      );
    });

  addSubcommand(program, queue, 'show', {
    summary: 'show all that is known about messages, except for their content',
    description:
      'Show all that is known about messages: the recipients that still wait, with the last reply for each of them.',
    example: 'queue show 01M8G7DN49HC8RGJ7N',
  })
    .argument('<ID...>', 'queue ids')
    .action(async (ids: readonly string[], flags: Flags) => {
      const { runQueueShow } = await import('./queue.ts');
      process.exitCode = await runOnQueue({ ...flags, ...program }, (door) => runQueueShow(door, ids));
    });

  addSubcommand(program, queue, 'export', {
    summary: 'write messages to .eml files, and leave them in the queue',
    description:
      'Write messages, as they would be sent, to files that only you can read (ID.eml), and leave them in the queue.',
    example: 'queue export 01M8G7DN49HC8RGJ7N --to /tmp',
  })
    .argument('<ID...>', 'queue ids')
    .option('--to <DIR>', 'folder for the files; - writes one message to standard output', '.')
    .action(async (ids: readonly string[], flags: Flags & { readonly to: string }) => {
      const { runQueueExport } = await import('./queue.ts');
      process.exitCode = await runOnQueue({ ...flags, ...program }, (door) => runQueueExport(door, ids, flags.to));
    });
}

const CHANGES: Readonly<Record<QueueChange, Help>> = {
  retry: {
    summary: 'try messages again now, instead of when they are due',
    description:
      'Try messages again now. A smart host that is known to be down is still left alone until its pause is over.',
    example: 'queue retry --list shop/transactional',
  },
  hold: {
    summary: 'stop messages until they are released',
    description:
      'Stop messages: they stay in the queue, across restarts, and are not delivered until they are released. While they are ' +
      'held they do not expire. A message that is being handed to the smart host at that moment may still go out.',
    example: 'queue hold --user orders.shop',
  },
  release: {
    summary: 'deliver messages that were held',
    description:
      'Deliver messages that were held. Those that are too old by now are returned if they cannot be delivered at once.',
    example: 'queue release --only held',
  },
  drop: {
    summary: 'delete messages for good, without telling their senders',
    description:
      'Delete messages for good. Nobody is told: neither the sender nor the recipients. `queue export` keeps a copy.',
    example: 'queue drop 01M8G7DN49HC8RGJ7N --yes',
  },
};

function addChanges(program: Program, queue: Command): void {
  for (const change of ['retry', 'hold', 'release', 'drop'] as const) {
    const command = selecting(addSubcommand(program, queue, change, CHANGES[change]))
      .argument('[ID...]', 'queue ids')
      .option('--all', 'all messages that wait');
    if (change === 'drop') command.option('-y, --yes', 'do not ask for confirmation');
    command.action(async (ids: readonly string[], flags: SelectFlags & { readonly yes?: boolean }) => {
      const { runQueueChange } = await import('./queue.ts');
      const selected = { ...flags, ids, isAll: flags.all };
      const options = { isSure: change !== 'drop' || flags.yes === true };
      process.exitCode = await runOnQueue({ ...flags, ...program }, (door) =>
        runQueueChange(door, change, selected, options),
      );
    });
  }
}

function selecting(command: Command): Command {
  return command
    .option('--list <NAMESPACE/NAME>', 'only mail of this list')
    .option('--user <LOGIN>', 'only mail of this user name')
    .addOption(new Option('--only <STATE>', 'only mail in this state').choices(['active', 'held', 'ready', 'waiting']));
}

function countOf(text: string): number {
  if (/^\d{1,6}$/.test(text) && Number(text) <= MESSAGES_MAX) return Number(text);
  throw new InvalidArgumentError(`It must be a number up to ${MESSAGES_MAX}.`);
}

/** What the commands above run in a relay pod. */
function addInner(queue: Command): void {
  for (const name of ['ask', 'content'] as const) {
    queue
      .command(name, { hidden: true })
      .argument('<REQUEST>')
      .requiredOption('--state <DIR>')
      .action(async (request: string, { state }: { readonly state: string }) => {
        const { runInner } = await import('./queue-inner.ts');
        process.exitCode = await runInner(name, request, state);
      });
  }
}

function addMail(program: Program): void {
  const mail = program.root
    .command('mail')
    .summary('look at captured mail of one process: list, show')
    .description('Look at the mail that one process has captured instead of sending it.');
  const captured = (name: string, help: Help): Command =>
    addSubcommand(program, mail, name, help).option(
      '--capture <DIR>',
      'where it writes captured mail (default: STATE/outbox)',
    );

  captured('list', {
    summary: 'list captured messages, the newest first',
    description: 'List captured messages, the newest first, with their subjects.',
    example: 'mail list',
  })
    .option('--limit <N>', `how many messages to show, at most ${MESSAGES_MAX}`, countOf, LIST_DEFAULT)
    .action(async (flags: Flags & { readonly capture?: string; readonly limit: number }) => {
      const { runMailList } = await import('./mail.ts');
      process.exitCode = await runMail(flags, (places) => runMailList(places, { ...flags, width: terminalWidth() }));
    });

  captured('show', {
    summary: 'show a captured message as it would have been sent',
    description: 'Show a captured message: its envelope, and its source. `mail show latest` shows the newest.',
    example: 'mail show 01M8G7DN49HC8RGJ7N',
  })
    .argument('<ID>', 'queue id, or `latest`')
    .action(async (id: string, flags: Flags & { readonly capture?: string }) => {
      const { runMailShow } = await import('./mail.ts');
      process.exitCode = await runMail(flags, (places) => runMailShow(places, id));
    });
}
