/** What to do about a refusal, by its reason: for the console, and for the table in docs/reference/replies.md. */
import type { Reason } from './reason.ts';

/** What is no refusal. */
type Taken = 'accepted' | 'captured' | 'redirected' | 'sandboxed' | 'provoked';

const MAIL_CLIENT = 'The client does not speak SMTP as it should. Look at its settings, or use another one.';
const LIMIT_OF_USER = 'Wait, or raise the limit of the user or of its list, up to what the relay class allows.';
const PLATFORM = 'The platform owner has to look at the log of the relays.';
const ROOM =
  'Messages are sent again later. The platform owner has to make room: a larger volume, more relays, or a smart host that takes the queue.';

export const remedies: Readonly<Record<Exclude<Reason, Taken>, string>> & Readonly<Partial<Record<Reason, string>>> = {
  tls_required: 'Turn STARTTLS on in the client (“STARTTLS, required”), or use a port with TLS from the start.',
  auth_required: 'Give the client the user name and the password of the Secret, and turn authentication on.',
  auth_failed: 'Copy user name and password anew from the Secret; they may have been replaced.',
  login_expired:
    'The password or the user has ended: take the present password from the Secret, or move `spec.expiresAt`.',
  user_inactive: 'Set `spec.active: true` of the user.',
  user_unusable: 'Look at the conditions of the user: something in its object, its list or its relay class is wrong.',
  list_missing: 'Create the list again, or give the user another one in `spec.listRef`.',
  no_verified_sender: 'Add a VerifiedSender to the namespace of the user, and prove it.',
  sender_unchecked: 'Wait a minute: the VerifiedSender is being looked up.',
  list_suspended: 'Set `spec.suspend: false` of the list, once the reason for its suspension is gone.',
  auth_throttled: 'Correct the password in the client, then wait: too many wrong ones came from its address.',
  auth_unavailable: PLATFORM,
  client_denied: 'Add the address of the client to `spec.clientCIDRs` of the user, or send from one that is there.',
  sender_not_authorized:
    'Send as an address that is verified for the namespace of the user, or add a VerifiedSender for this one.',
  sender_not_verified:
    'Prove the VerifiedSender that the reply names: its status has the record to publish, or says who got a mail.',
  null_sender:
    'Give the message a sender. Programs that send bounces themselves need `senderPolicy.nullSender: Allow`.',
  recipient_not_allowed: 'Add the recipient to `spec.recipients.allow` of the list, if the relay class allows it.',
  recipients_changed: 'Send again: whom the list may reach has changed in the middle of the transaction.',
  recipients_hidden:
    'Take the field that the reply names out of the message, or what names recipients out of the field: a list with `spec.recipients` cannot judge them.',
  unknown_command: MAIL_CLIENT,
  not_implemented: MAIL_CLIENT,
  bad_sequence:
    'Mostly it follows another refusal, in a client that sends several commands at once: look at that one. Otherwise the client does not speak SMTP as it should.',
  data_before_354: 'The client sends the message before it was asked for it, as a web request would. Use another one.',
  bad_argument: MAIL_CLIENT,
  bad_line: MAIL_CLIENT,
  auth_mechanism: 'Choose PLAIN or LOGIN in the client (often called “normal password”).',
  auth_cancelled: 'The client gave up in the middle of its log-in. Look at its log.',
  auth_identity: 'Leave the authorization identity of the client empty.',
  bad_sender_address: 'Correct the sender in the client: it is not a mail address.',
  bad_recipient_address: 'Correct the recipient: it is not a mail address.',
  non_ascii_address: 'Write the domain with A-labels (`xn--`), or ask the platform owner for `smtputf8: Allow`.',
  unknown_parameter: 'Turn the extension off in the client; it was not offered.',
  bad_parameter: MAIL_CLIENT,
  from_invalid: 'Give the message exactly one From field with exactly one address.',
  from_not_authorized:
    'Send with a From that is verified for the namespace of the user. Put the address of a visitor into Reply-To.',
  from_not_verified: 'Prove the VerifiedSender that the reply names, or use another From.',
  display_name_denied: 'Use a display name without an address in it.',
  reply_to_denied: 'Leave Reply-To out, or make it the address of From.',
  header_invalid: 'Correct the header field that the reply names; usually a line break got into it.',
  bare_newline: 'Have the client end each line with CRLF.',
  line_too_long: 'Encode the text of the message (quoted-printable or base64), so that its lines are short.',
  too_large: 'Send less at once, or raise `limits.messageBytes` of the list, up to what the relay class allows.',
  too_many_recipients: 'Send to fewer recipients at once; the client may send to the others in a second transaction.',
  messages_per_hour: LIMIT_OF_USER,
  recipients_per_day: LIMIT_OF_USER,
  messages_per_month: LIMIT_OF_USER,
  user_paused:
    'Find out why its mail bounces, then set the annotation `smtpplus.io/resume` of the user to a new value.',
  conn_limited: 'Reuse connections in the clients. The platform owner can raise `session.connections`, or add relays.',
  conn_gave_way: 'Nothing: an idle connection was closed for a new one. The client opens another when it has mail.',
  source_conn_limited: 'Reuse connections in the client; too many are open from its address.',
  proxy_header: 'Have the load balancer send the PROXY protocol, or take its address out of `session.trustedProxies`.',
  proxy_untrusted: 'Add the address of the load balancer to `session.trustedProxies`.',
  user_conn_limited: 'Reuse connections in the client; too many are open with this user name.',
  command_limited: 'The client makes errors all the time. Look at the other refusals of this user.',
  timeout: 'The client was silent for too long. Look at the network between it and the relay.',
  loop: 'Two mail servers send the message to each other. Take the relay out of the way of its own mail.',
  disk_full: ROOM,
  disk_failed: PLATFORM,
  queue_full: ROOM,
  share_full: 'The namespace has filled its share of the queue: look at the smart host of its lists, then wait.',
  too_many_files: PLATFORM,
  internal: PLATFORM,
  upstream_refused: 'The smart host refused the message; the log has its words.',
  upstream_unavailable: 'The smart host cannot be reached; the message is sent again later by the client.',
  shutdown: 'Nothing: a relay was being replaced. The client connects again.',
};
