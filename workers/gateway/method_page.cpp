#include "workers/gateway/method_page.h"

#include "workers/gateway/methods_table.h"

namespace gateway {

namespace {

constexpr const char* introduction =
    "# Methods of the gateway\n\n"
    "Every method of OpenClaw 2026.1.29, in the order in which clients are told their names. "
    "Written\nfrom `workers/gateway/methods_table.cpp`; the test MethodPage says how to renew this "
    "page. The scope\nis what a client needs besides `operator.admin`, which may call all but "
    "those for nodes. A method\nthat nobody serves is refused with the reason given here; one "
    "that is not listed, such as a\nplug-in's, is unknown. \"unnamed\" ones are served "
    "without being listed in `hello-ok`.\n\n"
    "| method | scope | served by | |\n|---|---|---|---|\n";

std::string_view server_of(const Method& method) {
    switch (method.served_by) {
        case ServedBy::gateway:
            return "gateway";
        case ServedBy::agent:
            return "agent";
        default:
            return "nobody";
    }
}

std::string remark_on(const Method& method) {
    std::string remark = method.named ? "" : "unnamed";
    if (method.why_not.empty()) return remark;
    return remark + (remark.empty() ? "" : "; ") + std::string(method.why_not);
}

std::string row_of(const Method& method) {
    const std::string_view scope =
        method.scope == Scope::node ? std::string_view("nodes only") : name_of(method.scope);
    std::string row = "| `" + std::string(method.name) + "` | " + std::string(scope) + " | " +
                      std::string(server_of(method)) + " |";
    if (const std::string remark = remark_on(method); !remark.empty()) row += " " + remark;
    return row + " |\n";
}

}  // namespace

std::string method_page() {
    std::string page = introduction;
    size_t served = 0;
    for (const Method& method : methods()) {
        page += row_of(method);
        served += method.served_by != ServedBy::nobody;
    }
    return page + "\n" + std::to_string(served) + " of " + std::to_string(methods().size()) +
           " are served.\n";
}

}  // namespace gateway
