// How a Node client is told what to do; the lines are those of talking.py.
import dns from 'node:dns';
import { createInterface } from 'node:readline';

export const RETURN = 'http://127.0.0.1:9/callback';

const lookup = dns.lookup;
dns.lookup = (host, ...more) => lookup(host.endsWith('.localhost') ? '127.0.0.1' : host, ...more);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function hear() {
    const { value, done } = await lines.next();
    return done ? undefined : JSON.parse(value);
}

export function tell(said) {
    process.stdout.write(`${JSON.stringify(said)}\n`);
}

export async function show(url) {
    tell({ show: String(url) });
    return Object.fromEntries(new URL((await hear()).shown).searchParams);
}

function fault(error) {
    if (Number.isInteger(error.code) && (error.code < 0 || error.data !== undefined)) {
        const { code, message, data } = error;
        return { error: { code, message, data } };
    }
    return { failed: `${error.name}: ${error.message} ${error.cause ?? ''}` };
}

export async function obey(open) {
    tell({ port: 0 });
    for (let order = await hear(); order; order = await hear()) {
        try {
            const { act, close } = await open(order);
            tell({ result: {} });
            let wish = await hear();
            for (; wish && wish.do !== 'close'; wish = await hear()) {
                try {
                    tell({ result: await act(wish) });
                } catch (error) {
                    tell(fault(error));
                }
            }
            await close();
            tell({ result: {} });
        } catch (error) {
            tell(fault(error));
        }
    }
    process.exit(0);
}

export const actions = (client, call) => async wish => {
    const { name, arguments: given, uri } = wish;
    switch (wish.do) {
        case 'call':
            return call({ name, arguments: given });
        case 'call_and_watch': {
            const heard = [];
            const onprogress = ({ progress }) => heard.push(progress);
            return { ...(await call({ name, arguments: given }, { onprogress })), heard };
        }
        case 'complete':
            return client.complete({ ref: wish.ref, argument: wish.argument });
        case 'tools':
            return client.listTools();
        case 'prompts':
            return client.listPrompts();
        case 'prompt':
            return client.getPrompt({ name, arguments: given });
        case 'resources':
            return client.listResources();
        case 'resource_templates':
            return client.listResourceTemplates();
        case 'resource':
            return client.readResource({ uri });
    }
};

// What both SDKs ask of a client that logs in by itself.
export function login() {
    const kept = {};
    return {
        seen: {},
        get redirectUrl() {
            return RETURN;
        },
        get clientMetadata() {
            return { client_name: 'interop', redirect_uris: [RETURN], token_endpoint_auth_method: 'none' };
        },
        clientInformation: () => kept.client,
        saveClientInformation: client => void (kept.client = client),
        tokens: () => kept.tokens,
        saveTokens: tokens => void (kept.tokens = tokens),
        saveCodeVerifier: verifier => void (kept.verifier = verifier),
        codeVerifier: () => kept.verifier,
        async redirectToAuthorization(url) {
            this.seen = await show(url);
        },
    };
}
