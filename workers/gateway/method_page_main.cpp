// Prints ops/methods.md; a program of the build.

#include <cstdio>

#include "workers/gateway/method_page.h"

int main() {
    const std::string page = gateway::method_page();
    return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
