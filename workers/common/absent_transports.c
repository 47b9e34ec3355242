// Debian's static libzmq speaks PGM, NORM and GSSAPI through twelve more libraries, which would
// cost every worker 0.7 MiB and 2 ms. Links are ipc:// with credentials of the kernel
// (workers/common/link.h), so that code is never reached: here are the names it asks the linker
// for, and a process that did reach one would stop at once.

#include <stdbool.h>
#include <stdlib.h>

// Called when a context is made, whatever the transports: 1 is "ready".
bool pgm_init(void* error);
bool pgm_init(void* error) {
    (void)error;
    return true;
}

// Called when the last context goes, that is: at the end of every worker.
bool pgm_shutdown(void);
bool pgm_shutdown(void) {
    return true;
}

// Data, not functions.
#define ABSENT_HANDLE(name)        \
    extern const void* const name; \
    const void* const name = 0;

ABSENT_HANDLE(GSS_C_NT_HOSTBASED_SERVICE)
ABSENT_HANDLE(GSS_C_NT_USER_NAME)
ABSENT_HANDLE(NORM_INSTANCE_INVALID)
ABSENT_HANDLE(NORM_NODE_ANY)
ABSENT_HANDLE(NORM_OBJECT_INVALID)
ABSENT_HANDLE(NORM_SESSION_INVALID)

#define ABSENT(name)  \
    void name(void);  \
    void name(void) { \
        abort();      \
    }

ABSENT(NormCreateInstance)
ABSENT(NormCreateSession)
ABSENT(NormDestroyInstance)
ABSENT(NormDestroySession)
ABSENT(NormGetDescriptor)
ABSENT(NormGetNextEvent)
ABSENT(NormGetRandomSessionId)
ABSENT(NormIsUnicastAddress)
ABSENT(NormNodeDelete)
ABSENT(NormObjectGetType)
ABSENT(NormObjectGetUserData)
ABSENT(NormObjectSetUserData)
ABSENT(NormSetCongestionControl)
ABSENT(NormSetDefaultSyncPolicy)
ABSENT(NormSetDefaultUnicastNack)
ABSENT(NormSetLoopback)
ABSENT(NormSetMulticastInterface)
ABSENT(NormSetRxPortReuse)
ABSENT(NormSetTTL)
ABSENT(NormStartReceiver)
ABSENT(NormStartSender)
ABSENT(NormStopInstance)
ABSENT(NormStopReceiver)
ABSENT(NormStopSender)
ABSENT(NormStreamFlush)
ABSENT(NormStreamOpen)
ABSENT(NormStreamRead)
ABSENT(NormStreamSeekMsgStart)
ABSENT(NormStreamWrite)
ABSENT(gss_accept_sec_context)
ABSENT(gss_acquire_cred)
ABSENT(gss_delete_sec_context)
ABSENT(gss_display_name)
ABSENT(gss_import_name)
ABSENT(gss_init_sec_context)
ABSENT(gss_release_buffer)
ABSENT(gss_release_cred)
ABSENT(gss_release_name)
ABSENT(gss_unwrap)
ABSENT(gss_wrap)
ABSENT(pgm_bind3)
ABSENT(pgm_close)
ABSENT(pgm_connect)
ABSENT(pgm_error_free)
ABSENT(pgm_free)
ABSENT(pgm_freeaddrinfo)
ABSENT(pgm_getaddrinfo)
ABSENT(pgm_getsockopt)
ABSENT(pgm_gsi_create_from_data)
ABSENT(pgm_recvmsgv)
ABSENT(pgm_send)
ABSENT(pgm_setsockopt)
ABSENT(pgm_socket)
