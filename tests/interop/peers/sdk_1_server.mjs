// A server of npm's @modelcontextprotocol/sdk, with sessions, behind the SDK's own door.
import { randomUUID } from 'node:crypto';
import express from 'express';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import {
    getOAuthProtectedResourceMetadataUrl,
    mcpAuthMetadataRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { READ, fill, introspected, oauthMetadata, resource } from './notes.mjs';

const app = express();
app.use(express.json());
app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: resource, scopesSupported: [READ] }));
app.use(
    '/mcp',
    requireBearerAuth({
        verifier: {
            verifyAccessToken: token => introspected(token, () => new InvalidTokenError('dead')),
        },
        requiredScopes: [READ],
        resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
        expectedResource: resource,
    }),
);

const transports = new Map();

async function opened() {
    const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: id => transports.set(id, transport),
    });
    const server = new McpServer({ name: 'Notes', version: '1' });
    fill(server, {
        ResourceTemplate,
        completable,
        shape: names => names,
        username: extra => extra.authInfo.extra.username,
    });
    await server.connect(transport);
    return transport;
}

app.all('/mcp', async (req, res) => {
    const known = transports.get(req.headers['mcp-session-id']);
    if (!known && !isInitializeRequest(req.body)) {
        const error = { code: -32000, message: 'Bad Request: No valid session ID provided' };
        res.status(400).json({ jsonrpc: '2.0', error, id: null });
        return;
    }
    await (known ?? (await opened())).handleRequest(req, res, req.body);
});
app.listen();
