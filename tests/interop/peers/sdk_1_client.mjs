// The client of npm's @modelcontextprotocol/sdk.
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
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
        const client = new Client({ name: 'interop', version: '1' }, { capabilities });
        if (elicits) {
            client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
                if (params.mode !== 'url') return { action: 'accept', content: { sure: true } };
                await show(params.url);
                return { action: 'accept' };
            });
        }
        try {
            await client.connect(transport);
        } catch (error) {
            if (!authProvider?.seen.code || !(error instanceof UnauthorizedError)) throw error;
            const { code } = authProvider.seen;
            authProvider.seen = {};
            await transport.finishAuth(code);
            return begin();
        }
        return client;
    };
    const client = await begin();
    const act = actions(client, (params, options) => client.callTool(params, undefined, options));
    return { close: () => client.close(), act };
});
