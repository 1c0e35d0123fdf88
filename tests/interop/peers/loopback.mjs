// Preloaded into every Node server: whatever it listens on is a free port of 127.0.0.1, which is
// announced on stdout as {"port": N}; the process ends with its stdin.
import net from 'node:net';

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...given) {
    const ready = given.findLast(each => typeof each === 'function');
    return listen.call(this, { host: '127.0.0.1', port: 0 }, () => {
        process.stdout.write(`${JSON.stringify({ port: this.address().port })}\n`);
        ready?.();
    });
};
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
