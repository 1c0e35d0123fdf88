// The client of npm's @modelcontextprotocol/client.
import {
    Client,
    StreamableHTTPClientTransport,
    UnauthorizedError,
} from '@modelcontextprotocol/client';
import { actions, login, obey, show } from './talking.mjs';

await obey(async ({ url, bearer, elicits }) => {
    const authProvider = bearer ? undefined : login();
    const headers = bearer ? { Authorization: `Bearer ${bearer}` } : {};
    const capabilities = elicits ? { elicitation: { form: {}, url: {} } } : {};
    const begin = async () => {
        const transport = new StreamableHTTPClientTransport(new URL(url), {
            authProvider,
            requestInit: { headers },
        });
        const client = new Client(
            { name: 'interop', version: '1' },
            { capabilities, versionNegotiation: { mode: 'auto' } },
        );
        if (elicits) {
            client.setRequestHandler('elicitation/create', async ({ params }) => {
                if (params.mode !== 'url') return { action: 'accept', content: { sure: true } };
                await show(params.url);
                return { action: 'accept' };
            });
        }
        try {
            await client.connect(transport);
        } catch (error) {
            if (!authProvider?.seen.code || !(error instanceof UnauthorizedError)) throw error;
            const back = authProvider.seen;
            authProvider.seen = {};
            await transport.finishAuth(new URLSearchParams(back));
            return begin();
        }
        return client;
    };
    const client = await begin();
    const act = actions(client, (params, options) => client.callTool(params, options));
    return { close: () => client.close(), act };
});
