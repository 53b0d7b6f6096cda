/**
 * Postfix, tuned as by somebody who knows it for a busy relay with one smart host, doing what the relay does: STARTTLS, log-in,
 * the sender bound to it, on disk before 250, handed on. It needs root, and Debian's packages `postfix`,
 * `libsasl2-modules` and `sasl2-bin`; nothing outside of its folder is touched.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureCertificates } from '../../../operator/certificates/self-signed.ts';
import { startGroup } from '../process-group.ts';
import { ACCOUNT, type Contender, type Place } from './contender.ts';

const [MASTER, POSTMAP, SASLPASSWD] = ['/usr/sbin/postfix', '/usr/sbin/postmap', '/usr/sbin/saslpasswd2'];
const NEEDED = [MASTER, POSTMAP, SASLPASSWD, '/usr/lib/postfix/sbin/smtpd'];

/** Why it cannot be measured here. */
export function whyNoPostfix(): string | undefined {
  const missing = NEEDED.filter((file) => !existsSync(file));
  if (missing.length > 0)
    return `${missing.join(', ')} is not there (apt-get install postfix libsasl2-modules sasl2-bin)`;
  return process.getuid?.() === 0 ? undefined : 'its processes change their user, which takes root';
}

export const postfix: Contender = {
  name: 'postfix',
  delivers: true,
  start: async (place) => {
    const { folder } = place;
    const { cert, key } = await ensureCertificates(path.join(folder, 'tls'), { hostnames: ['localhost'] });
    const write = (name: string, text: string, mode = 0o644): void =>
      writeFileSync(path.join(folder, name), text, { mode });
    for (const name of ['spool', 'data', 'sasl']) mkdirSync(path.join(folder, name), { recursive: true });
    write('cert.pem', cert);
    write('key.pem', key, 0o600);
    write('main.cf', mainOf(place));
    write('master.cf', masterOf(place));
    write('senders', `${ACCOUNT.user} ${ACCOUNT.from}\n`);
    write(
      'sasl/smtpd.conf',
      `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: ${folder}/sasldb2\n`,
    );
    const [name = '', realm = ''] = ACCOUNT.user.split('@');
    const database = path.join(folder, 'sasldb2');
    execFileSync(SASLPASSWD, ['-p', '-c', '-f', database, '-u', realm, name], { input: ACCOUNT.password });
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postfix'], { encoding: 'utf8' })));
    chownSync(database, 0, gid ?? 0);
    chmodSync(database, 0o640);
    chownSync(path.join(folder, 'data'), uid ?? 0, gid ?? 0);
    execFileSync(POSTMAP, ['-c', folder, `hash:${folder}/senders`]);
    const args = ['-c', folder, 'start-fg'];
    return { group: startGroup({ command: MASTER, args, logFile: path.join(folder, 'log') }), login: ACCOUNT };
  },
};

function mainOf({ folder, smartHost }: Place): string {
  return `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${folder}/maillog
maillog_file_prefixes = ${folder}
myhostname = relay.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
relayhost = [127.0.0.1]:${smartHost}
smtp_tls_security_level = none
smtpd_peername_lookup = no
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = ${folder}/cert.pem
smtpd_tls_key_file = ${folder}/key.pem
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = ${ACCOUNT.user.split('@')[1]}
cyrus_sasl_config_path = ${folder}/sasl
smtpd_sender_login_maps = hash:${folder}/senders
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
# tuned
in_flow_delay = 0
default_process_limit = 300
max_use = 10000
default_destination_concurrency_limit = 20
initial_destination_concurrency = 10
smtp_connection_cache_destinations = [127.0.0.1]:${smartHost}
smtp_connection_cache_time_limit = 10s
smtp_connection_reuse_time_limit = 300s
smtp_connection_reuse_count_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = static:all
disable_mime_input_processing = yes
disable_mime_output_conversion = yes
receive_override_options = no_address_mappings, no_header_body_checks, no_unknown_recipient_checks
local_header_rewrite_clients =
smtpd_tls_loglevel = 0
# the clients here do not resume sessions: no ticket keys to fetch from tlsmgr for each handshake
tls_ssl_options = NO_TICKET
`;
}

function masterOf({ port }: Place): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;
}
