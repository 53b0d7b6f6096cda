/** Mail that is sent with what a user's Secret says, by nodemailer, as an application does. */
import { createTransport, type SendMailOptions } from 'nodemailer';
import { credentialsOf, type Standalone } from './standalone.ts';

type Server = Pick<Standalone, 'state' | 'port'>;

/** @param secret in the namespace shop. */
export async function transportOf({ state, port }: Server, secret: string) {
  const { username, password, ca } = await credentialsOf(state, 'shop', secret);
  const auth = { user: username, pass: password };
  return createTransport({ host: 'localhost', port, requireTLS: true, auth, tls: { ca } });
}

/** What the server says of a mail, be it yes or no. */
export async function replyTo(server: Server, secret: string, mail: SendMailOptions): Promise<string> {
  const transport = await transportOf(server, secret);
  try {
    return (await transport.sendMail(mail)).response;
  } catch (error) {
    return String(error);
  } finally {
    transport.close();
  }
}
