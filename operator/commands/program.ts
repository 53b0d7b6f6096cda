/** The commands for people, for one process and for a cluster alike. Each is loaded only when it is called. */
import { addQueueCommands } from './program-queue.ts';
import { addToolCommands } from './program-tools.ts';
import { PASSWORD_FORMATS, runOnSource, terminalWidth } from './run.ts';
import { parseKey } from './source.ts';
import { addSubcommand, type Flags, type Program } from './subcommand.ts';

const WHAT = 'objects (NAMESPACE/NAME) or whole namespaces (NAMESPACE/); default: everything';

export function addCommands(program: Program): void {
  addObjectCommands(program);
  addCredentialCommands(program);
  addQueueCommands(program);
  addToolCommands(program);
}

function addObjectCommands(program: Program): void {
  addSubcommand(program, program.root, 'status', {
    summary: 'show what is ready, what is not, and why',
    description:
      'Show how many lists, users and senders are ready, and for those that are not, why, and what to do about it. For objects ' +
      'that you name, it shows everything that is known, as `kubectl describe` does.',
    example: 'status spu shop/orders',
  })
    .argument('[WHAT...]', `kinds (spl, spu, vsender), ${WHAT}`)
    .action(async (what: readonly string[], flags: Flags) => {
      const { runStatus } = await import('./status.ts');
      process.exitCode = await runOnSource({ ...flags, ...program }, (source) =>
        runStatus(source, { what, ...flags, width: terminalWidth() }),
      );
    });

  addSubcommand(program, program.root, 'users', {
    summary: 'list users: who can send as what, and who cannot, and why',
    description:
      'List users with their log-in, senders, server and Secret and, for those who cannot send, why, and what to do about it.',
    example: 'users shop/',
  })
    .argument('[WHAT...]', WHAT)
    .action(async (what: readonly string[], flags: Flags) => {
      const { runUsers } = await import('./users.ts');
      process.exitCode = await runOnSource({ ...flags, ...program }, (source) =>
        runUsers(source, { what, ...flags, width: terminalWidth() }),
      );
    });

  addSubcommand(program, program.root, 'senders', {
    summary: 'list senders: what is verified, and which DNS records are missing',
    description:
      'List senders: whether and how they are verified, whether their mail is signed and passes DMARC. DNS records that are ' +
      'missing are printed so that they can be copied into a zone.',
    example: 'senders shop/',
  })
    .argument('[WHAT...]', WHAT)
    .action(async (what: readonly string[], flags: Flags) => {
      const { runSenders } = await import('./senders.ts');
      process.exitCode = await runOnSource({ ...flags, ...program }, (source) =>
        runSenders(source, { what, ...flags, width: terminalWidth() }),
      );
    });
}

function addCredentialCommands(program: Program): void {
  addSubcommand(program, program.root, 'password', {
    summary: 'print the password of a user, or everything that it needs to log in',
    description:
      'Print the password that is in the Secret of a user. With -o env it prints lines for a shell: SMTP_HOST, SMTP_PORT, ' +
      'SMTP_USERNAME, SMTP_PASSWORD, SMTP_TLS, and SMTP_CA if there is a ca.crt.',
    example: 'password shop/orders -o env',
    formats: PASSWORD_FORMATS,
  })
    .argument('<USER>', 'NAMESPACE/NAME of the SmtpPlusUser')
    .action(async (user: string, flags: Flags) => {
      const { runPassword } = await import('./password.ts');
      process.exitCode = await runOnSource({ ...flags, ...program }, (source) =>
        runPassword(source, parseKey(user, flags.namespace), flags.output),
      );
    });

  addSubcommand(program, program.root, 'rotate', {
    summary: 'give a user a new password',
    description:
      'Give a user a new password, and wait until the Secret of the user has it. The old one stays valid for the overlap of the user, ' +
      '24 hours by default; --leaked ends it at once. On a cluster this changes the spec of the user; in one process, its manifest.',
    example: 'rotate shop/orders --leaked',
  })
    .argument('<USER>', 'NAMESPACE/NAME of the SmtpPlusUser')
    .option('--leaked', 'end all its older passwords at once')
    .action(async (user: string, flags: Flags & { readonly leaked?: boolean }) => {
      const { runRotate } = await import('./rotate.ts');
      const options = { isLeaked: flags.leaked === true };
      process.exitCode = await runOnSource({ ...flags, ...program }, (source) =>
        runRotate(source, parseKey(user, flags.namespace), options),
      );
    });

  addSubcommand(program, program.root, 'send-test', {
    summary: 'send a mail as a user would, and explain what fails',
    description:
      'Send one mail with what is in the Secret of a user, as an application would: host, port, ca.crt, STARTTLS, log-in. If ' +
      'that fails, it says at which step, what the answer was, and what to do. The mail really goes to TO.',
    example: 'send-test shop/orders ann@elsewhere.example',
  })
    .argument('<USER>', 'NAMESPACE/NAME of the SmtpPlusUser')
    .argument('<TO>', 'address of the recipient')
    .option('--from <ADDRESS>', 'address to send as (default: the first verified sender of the user)')
    .option(
      '--server <HOST:PORT>',
      'connect there, where the host in the Secret cannot be reached; its certificate must still be right',
    )
    .action(async (user: string, to: string, flags: Flags & { readonly from?: string; readonly server?: string }) => {
      const { runSendTest } = await import('./send-test.ts');
      process.exitCode = await runOnSource({ ...flags, ...program }, (source) =>
        runSendTest(source, parseKey(user, flags.namespace), { to, ...flags }),
      );
    });
}
