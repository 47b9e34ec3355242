#include "workers/common/curl_library.h"

#include <dlfcn.h>

// The option macros of the header expand to a call of a function; ours are pointers.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

namespace {

constexpr const char* library_name = "libcurl.so.4";

template <typename Function>
bool find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    return function != nullptr;
}

bool find_all(void* library, CurlLibrary& curl) {
    return find(library, "curl_global_init", curl.global_init) &&
           find(library, "curl_easy_init", curl.easy_init) &&
           find(library, "curl_easy_setopt", curl.easy_setopt) &&
           find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
           find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
           find(library, "curl_easy_strerror", curl.easy_strerror) &&
           find(library, "curl_slist_append", curl.slist_append) &&
           find(library, "curl_slist_free_all", curl.slist_free_all) &&
           find(library, "curl_multi_init", curl.multi_init) &&
           find(library, "curl_multi_setopt", curl.multi_setopt) &&
           find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
           find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
           find(library, "curl_multi_socket_action", curl.multi_socket_action) &&
           find(library, "curl_multi_info_read", curl.multi_info_read) &&
           find(library, "curl_multi_cleanup", curl.multi_cleanup);
}

Result<CurlLibrary> load() {
    void* library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char* reason = dlerror();
        return Error{Fault::system, std::string("cannot load ") + library_name +
                                        " (package libcurl4): " + (reason ? reason : "unknown")};
    }
    CurlLibrary curl{};
    if (!find_all(library, curl))
        return Error{Fault::system, std::string(library_name) + " is too old: version 7.85 needed"};
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return Error{Fault::system, std::string(library_name) + " cannot be initialised"};
    return curl;
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
    static const Result<CurlLibrary> loaded = load();
    if (!loaded) return loaded.error();
    return &*loaded;
}
