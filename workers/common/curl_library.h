// libcurl, loaded the first time it is needed.
//
// A process that links libcurl pays for it and its thirty libraries before main(): 12 ms and 1.2
// MiB of its own memory (5.9 MiB of PSS when nobody else has them mapped). A gateway that starts,
// or that nobody talks to, does not need it.
#pragma once

#include <curl/curl.h>

#include "workers/common/base/result.h"

struct CurlLibrary {
    decltype(&curl_global_init) global_init;
    decltype(&curl_easy_init) easy_init;
    decltype(&curl_easy_setopt) easy_setopt;
    decltype(&curl_easy_getinfo) easy_getinfo;
    decltype(&curl_easy_cleanup) easy_cleanup;
    decltype(&curl_easy_strerror) easy_strerror;
    decltype(&curl_slist_append) slist_append;
    decltype(&curl_slist_free_all) slist_free_all;
    decltype(&curl_multi_init) multi_init;
    decltype(&curl_multi_setopt) multi_setopt;
    decltype(&curl_multi_add_handle) multi_add_handle;
    decltype(&curl_multi_remove_handle) multi_remove_handle;
    decltype(&curl_multi_socket_action) multi_socket_action;
    decltype(&curl_multi_info_read) multi_info_read;
    decltype(&curl_multi_cleanup) multi_cleanup;
};

// The library, loaded and initialised; it stays loaded. Call from the loop's thread only.
Result<const CurlLibrary*> curl_library();
