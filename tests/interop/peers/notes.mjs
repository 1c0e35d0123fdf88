// What the servers of both npm SDKs have in common: their tools, prompt and resources, and whose a
// token is (introspection, RFC 7662).
import { z } from 'zod';

export const READ = 'contacts.read';
export const resource = new URL(process.env.RESOURCE);

const issuer = process.env.ISSUER;
export const oauthMetadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
};

export async function introspected(token, refuse) {
    const pair = Buffer.from(process.env.INTROSPECTION_CLIENT).toString('base64');
    const answer = await fetch(process.env.INTROSPECTION_URL, {
        method: 'POST',
        headers: { Authorization: `Basic ${pair}` },
        body: new URLSearchParams({ token }),
    });
    const about = await answer.json();
    if (!about.active || about.token_type !== 'Bearer') throw refuse();
    return {
        token,
        clientId: about.client_id,
        scopes: (about.scope ?? '').split(' '),
        expiresAt: about.exp,
        resource: about.aud ? new URL(about.aud) : undefined,
        extra: { username: about.username },
    };
}

const named = begun => ['Ada', 'Ari', 'Bea'].filter(name => name.startsWith(begun));
const says = text => ({ content: [{ type: 'text', text }] });
const read = (uri, text) => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text }] });

// The SDKs differ in how a prompt's arguments are described, and in where a token's owner is.
export function fill(server, { ResourceTemplate, completable, shape, username }) {
    server.registerTool(
        'whoami',
        { description: 'Say whose token this is.' },
        context => says(username(context)),
    );
    const numbers = z.object({ first: z.number(), second: z.number() });
    server.registerTool(
        'add',
        { description: 'Add two numbers.', inputSchema: numbers },
        ({ first, second }) => says(String(first + second)),
    );
    const region = z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) });
    server.registerTool(
        'day_in',
        { description: 'Say what is to be done in a region.', inputSchema: region },
        given => says(`Nothing in ${given.region}.`),
    );
    server.registerPrompt(
        'greeting',
        { description: 'Greet somebody.', argsSchema: shape({ name: completable(z.string(), named) }) },
        ({ name }) => ({
            messages: [
                { role: 'user', content: { type: 'text', text: `Say hello to ${name}.` } },
            ],
        }),
    );
    server.registerResource('today', 'note://today', {}, uri => read(uri, 'Paint the boat.'));
    server.registerResource(
        'day',
        new ResourceTemplate('note://day/{day}', { list: undefined }),
        {},
        (uri, { day }) => read(uri, `Nothing on ${day}.`),
    );
    return server;
}
