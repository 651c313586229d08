// Drives the official TypeScript SDK (`@modelcontextprotocol/client`) from JSON lines.
//
// The first argument is JSON: url, client_id, redirect_uri, era, agent for one that has a key in the environment instead of a browser,
// and proves_key for one whose tokens are bound to a key (DPoP). Each line on stdin is a command,
// each line on stdout an answer. In between, `{"authorize": URL}` asks for a browser and waits for
// `{"callback": URL}`. The only logic here is what the SDK's manual tells every application to
// write: on UnauthorizedError finish the authorization and try the operation again.
import { randomUUID, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { Client, CrossAppAccessProvider, DpopSession, PrivateKeyJwtProvider, StreamableHTTPClientTransport, UnauthorizedError, UrlElicitationRequiredError } = createRequire(
  `${process.env.PORTCULLIS_TEST_NODE_MODULES}/`,
)('@modelcontextprotocol/client');

const start = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const hear = async () => {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
};

const kept = {};
const withBrowser = () => ({
  redirectUrl: start.redirect_uri,
  clientMetadataUrl: start.client_id,
  clientMetadata: {
    client_name: 'TypeScript SDK',
    redirect_uris: [start.redirect_uri],
    token_endpoint_auth_method: 'none',
  },
  state: () => (kept.state = randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  redirectToAuthorization: (url) => say({ authorize: url.href }),
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (state) => void (kept.discovery = state),
  discoveryState: () => kept.discovery,
});
const withKey = () =>
  new PrivateKeyJwtProvider({ clientId: start.agent, privateKey: process.env.PORTCULLIS_AGENT_KEY, algorithm: 'ES256', expectedIssuer: start.issuer });
// The identity provider of an enterprise, written with nothing of ours: it says that this client may act for this person there.
const saidByIdp = async ({ authorizationServerUrl, resourceUrl, scope }) => {
  const { idp, subject, client_id } = start.enterprise;
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: idp, sub: subject, aud: String(authorizationServerUrl), client_id, jti: randomUUID(), iat: now, exp: now + 60,
    resource: String(resourceUrl), scope,
  };
  const signed = `${part({ typ: 'oauth-id-jag+jwt', alg: 'ES256' })}.${part(claims)}`;
  const key = { key: process.env.PORTCULLIS_IDP_KEY, dsaEncoding: 'ieee-p1363' };
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
};
const ofEnterprise = () =>
  new CrossAppAccessProvider({
    assertion: saidByIdp,
    clientId: start.enterprise.client_id,
    clientSecret: start.enterprise.secret,
    expectedIssuer: start.issuer,
  });
const provider = start.enterprise ? ofEnterprise() : start.agent ? withKey() : withBrowser();
// One key for as long as it runs, as the SDK's manual has it.
const session = start.proves_key ? await DpopSession.create() : undefined;
if (session) provider.dpop = () => session;

async function withPerson(transport, operation) {
  try {
    return await operation(transport());
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const { callback } = await hear();
    const params = new URL(callback).searchParams;
    if (params.get('state') !== kept.state) throw new Error('the state came back changed');
    await transport().finishAuth(params);
    return await operation(transport(true));
  }
}

// Whatever a form asks for, by its kind.
const filled = ({ requestedSchema }) =>
  Object.fromEntries(
    Object.entries(requestedSchema.properties).map(([name, { type }]) => [name, type === 'boolean' ? true : 'blue']),
  );

let client;
let transport;

const connect = () =>
  withPerson(
    (again) =>
      !transport || again
        ? (transport = new StreamableHTTPClientTransport(new URL(start.url), { authProvider: provider }))
        : transport,
    async (opened) => {
      client = new Client(
        { name: 'typescript-driver', version: '1.0.0' },
        {
          versionNegotiation: { mode: start.era === '2025-11-25' ? 'legacy' : 'auto' },
          capabilities: { elicitation: { form: {}, url: {} } },
        },
      );
      client.setRequestHandler('elicitation/create', async ({ params }) => {
        if (params.mode !== 'url') return { action: 'accept', content: filled(params) };
        // A page for the person: like a browser, it is somebody else's to open.
        say({ authorize: params.url });
        await hear();
        return { action: 'accept' };
      });
      await client.connect(opened);
      return { protocol: client.getNegotiatedProtocolVersion(), instructions: client.getInstructions() ?? null, server: client.getServerVersion() };
    },
  );

// In a session the server says so with an error, and the application does what the SDK does by itself in later revisions.
const call = async ({ name, arguments: args }) => {
  const once = () =>
    withPerson(
      () => transport,
      () => client.callTool({ name, arguments: args ?? {} }),
    );
  try {
    return await once();
  } catch (error) {
    if (!(error instanceof UrlElicitationRequiredError)) throw error;
    say({ authorize: error.elicitations[0].url });
    await hear();
    return await once();
  }
};

// Without a person: whoever loses the login says so.
const calls = ({ times, name, arguments: args }) =>
  Promise.all(Array.from({ length: times }, () => client.callTool({ name, arguments: args ?? {} })));

// The SDK reports that a stream can not be resumed beside the request, which only its time ends.
const resume = ({ event, name, arguments: args }) =>
  client.callTool({ name, arguments: args ?? {} }, { resumptionToken: event, timeout: 3000 });

const keptTokens = async () => ({ tokens: await provider.tokens(), thumbprint: session?.thumbprint });

const obey = (command) => {
  if (command.do === 'connect') return connect();
  if (command.do === 'resume') return resume(command);
  if (command.do === 'list') return client.listTools();
  if (command.do === 'calls') return calls(command);
  if (command.do === 'tokens') return keptTokens();
  return call(command);
};

for (let command = await hear(); command !== undefined; command = await hear()) {
  try {
    say({ ok: await obey(command) });
  } catch (error) {
    console.error(error);
    say({ error: String(error.message), kind: error.name, code: error.code, status: error.data?.status ?? error.status });
  }
}
process.exit(0);
