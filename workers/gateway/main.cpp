// The public face: HTTP and WebSocket on one port, for browsers, command lines and devices.

#include "workers/common/uv_loop.h"
#include "workers/gateway/gateway.h"

int main() {
    return run_worker(make_uv_loop(), gateway::run);
}
