// A server of npm's @modelcontextprotocol/server, of 2026-07-28 alone, behind the SDK's own door.
import {
    createMcpExpressApp,
    getOAuthProtectedResourceMetadataUrl,
    mcpAuthMetadataRouter,
    requireBearerAuth,
} from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
    McpServer,
    OAuthError,
    OAuthErrorCode,
    ResourceTemplate,
    completable,
    createMcpHandler,
    requireScopes,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { READ, fill, introspected, oauthMetadata, resource } from './notes.mjs';

const app = createMcpExpressApp();
app.use(
    mcpAuthMetadataRouter({
        oauthMetadata,
        resourceServerUrl: resource,
        scopesSupported: [READ],
        dangerouslyAllowInsecureIssuerUrl: true,
    }),
);
app.use(
    '/mcp',
    requireBearerAuth({
        verifier: {
            verifyAccessToken: token =>
                introspected(token, () => new OAuthError(OAuthErrorCode.InvalidToken, 'dead')),
        },
        requiredScopes: [READ],
        resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
        expectedResource: resource,
    }),
);

function filled() {
    const server = fill(new McpServer({ name: 'Notes', version: '1' }), {
        ResourceTemplate,
        completable,
        shape: z.object,
        username: context => context.http.authInfo.extra.username,
    });
    server.registerTool(
        'erase',
        { description: 'Erase all.', scopeChallenge: requireScopes('contacts.write') },
        () => ({ content: [{ type: 'text', text: 'All is erased.' }] }),
    );
    return server;
}

const handler = toNodeHandler(createMcpHandler(filled, { legacy: 'reject' }));
app.all('/mcp', (req, res) => handler(req, res, req.body));
app.listen();
