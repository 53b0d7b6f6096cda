/** How many files the process may have open: each port is one, and so is each connection. */

/** What a start with a single port opens, and some connections. */
const BESIDES_PORTS = 100;

/** Says before any port is opened that there are too many: else the spool would be what fails, half-way through. */
export function openFilesTrouble(ports: number): string | undefined {
  const limit = openFilesLimit();
  if (limit === undefined || ports + BESIDES_PORTS <= limit) return undefined;
  return (
    `${ports + BESIDES_PORTS} files will be open at once (each port is one: ${ports}), ` +
    `and this process may have ${limit} of them. Name fewer with --ports, or ${RAISE}`
  );
}

export function tooManyFiles(code: 'EMFILE' | 'ENFILE'): string {
  if (code === 'ENFILE') return 'the whole machine has too many files open (ENFILE): raise sysctl fs.file-max';
  const limit = openFilesLimit() ?? 'no more';
  return `too many open files (EMFILE): this process may have ${limit}. Name fewer ports with --ports, or ${RAISE}`;
}

/** Node raises the soft limit to the hard one by itself, so that nobody needs to be told of `ulimit -n`. */
const RAISE =
  'raise the hard limit (`ulimit -Hn` shows it): nofile in /etc/security/limits.conf, LimitNOFILE= of a systemd unit, --ulimit nofile= of docker run';

/** Needs no file to be opened, unlike /proc/self/limits. */
function openFilesLimit(): number | undefined {
  const report = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } };
  };
  const limit = report.userLimits?.open_files?.soft;
  return typeof limit === 'number' ? limit : undefined;
}
