// Every method a client may know: what it takes to call it, who serves it, how long it may take.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/gateway/frames.h"

namespace gateway {

enum class Scope { admin, approvals, pairing, read, write, node };
enum class ServedBy { gateway, agent, nobody };

struct Method {
    std::string_view name;
    Scope scope;
    ServedBy served_by = ServedBy::nobody;
    // How long the agent may take; 0: as long as a run takes.
    int deadline_ms = 0;
    // Served without being named to clients, as OpenClaw does it.
    bool named = true;
    // Served by nobody: what a client is told, and the owner in ops/methods.md.
    std::string_view why_not = {};
    std::string_view refusal_code = code::invalid_request;
};

std::span<const Method> methods();
const Method* find_method(std::string_view name);
// Names of the methods that are served and named, in the order clients know.
std::vector<std::string> offered_methods();

std::string_view name_of(Scope scope);
// What a client is told about a method that nobody serves; also about one that is not in the table.
Failure not_served(std::string_view name);

// Why a client with that role and those scopes may not call it; nothing when it may. Asked before
// anything is known about the method: one that is not listed takes the administrator's scope.
std::optional<Failure> call_refusal(std::string_view method, std::string_view role,
                                    const std::vector<std::string>& scopes);

bool has_scope(const std::vector<std::string>& scopes, std::string_view scope);

}  // namespace gateway
