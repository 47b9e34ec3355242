// The public face: HTTP and WebSocket on one port, for browsers, command lines and devices.

#include "workers/gateway/gateway.h"
#include "workers/gateway/uv_loop.h"

int main() {
    return run_worker(gateway::make_uv_loop(), gateway::run);
}
