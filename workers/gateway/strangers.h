// The connections that have not shown who they are: in order of arrival, each with its deadline and
// the source it comes from. Decides who must make room: the oldest of the source that holds most of
// them, so that one source cannot push out the others.
#pragma once

#include <cstdint>
#include <iterator>
#include <list>
#include <string>
#include <unordered_map>

namespace gateway {

template <typename Connection>
class Strangers {
  public:
    // Once more for the same connection: it begins anew, at the end.
    void add(Connection& connection, std::string source, int64_t deadline_ms) {
        remove(connection);
        order_.push_back({&connection, std::move(source), deadline_ms});
        places_[&connection] = std::prev(order_.end());
        ++counts_[order_.back().source];
    }

    // What a proxy says about it is known only once it has spoken.
    void comes_from(Connection& connection, std::string source) {
        const auto found = places_.find(&connection);
        if (found == places_.end()) return;
        uncount(found->second->source);
        found->second->source = std::move(source);
        ++counts_[found->second->source];
    }

    bool remove(Connection& connection) {
        const auto found = places_.find(&connection);
        if (found == places_.end()) return false;
        uncount(found->second->source);
        order_.erase(found->second);
        places_.erase(found);
        return true;
    }

    size_t size() const { return order_.size(); }
    bool empty() const { return order_.empty(); }
    // Of the one that has been here longest.
    int64_t next_deadline_ms() const { return order_.front().deadline_ms; }

    // Null when nobody is late.
    Connection* late(int64_t now_ms) const {
        if (order_.empty() || order_.front().deadline_ms > now_ms) return nullptr;
        return order_.front().connection;
    }

    // Null when there is none.
    Connection* who_makes_room() const {
        const Entry* chosen = nullptr;
        size_t most = 0;
        for (const Entry& entry : order_)
            if (const size_t count = counts_.at(entry.source); count > most) {
                most = count;
                chosen = &entry;
            }
        return chosen ? chosen->connection : nullptr;
    }

  private:
    struct Entry {
        Connection* connection;
        std::string source;
        int64_t deadline_ms;
    };

    void uncount(const std::string& source) {
        const auto found = counts_.find(source);
        if (--found->second == 0) counts_.erase(found);
    }

    std::list<Entry> order_;
    std::unordered_map<Connection*, typename std::list<Entry>::iterator> places_;
    std::unordered_map<std::string, size_t> counts_;
};

}  // namespace gateway
