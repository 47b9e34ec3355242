"""What flyctl takes in a fly.toml, as tables for check_toml.py."""

# Keys flyctl knows (2026-08), by table. Others are ignored without a word, hence found here.
TOP = """app primary_region kill_signal kill_timeout swap_size_mb console_command experimental build
    deploy env processes mounts http_service services checks files host_dedication_id
    machine_config container machine_checks restart vm statics metrics""".split()
SERVICE = """internal_port auto_stop_machines auto_start_machines min_machines_running processes
    concurrency machine_checks""".split()
CHECK = "interval timeout grace_period method path protocol tls_skip_verify tls_server_name headers"
MACHINE_CHECK = "command image entrypoint kill_signal kill_timeout".split()
TLS = "alpn versions default_self_signed".split()
HTTP = "compress h2_backend idle_timeout headers_read_timeout response replay_cache".split()
VM = """size memory cpus cpu_kind memory_mb kernel_args persist_rootfs gpus gpu_kind
    host_dedication_id processes""".split()
KNOWN = {
    "build": """dockerfile image builder buildpacks ignorefile build-target args compose
        compression compression_level settings builtin""".split(),
    "deploy": """strategy max_unavailable wait_timeout release_command release_command_timeout
        release_command_vm seed_command""".split(),
    "deploy.release_command_vm": VM,
    "machine_checks": MACHINE_CHECK,
    "http_service": SERVICE + "force_https tls_options http_options checks".split(),
    "http_service.concurrency": "type soft_limit hard_limit".split(),
    "http_service.checks": CHECK.split(),
    "http_service.machine_checks": MACHINE_CHECK,
    "http_service.tls_options": TLS,
    "http_service.http_options": HTTP,
    "http_service.http_options.response": "pristine headers".split(),
    "services": SERVICE + "protocol ports tcp_checks http_checks".split(),
    "services.tcp_checks": "interval timeout grace_period".split(),
    "services.http_checks": CHECK.split(),
    "services.concurrency": "type soft_limit hard_limit".split(),
    "services.ports": """port start_port end_port handlers force_https tls_options http_options
        proxy_proto_options""".split(),
    "services.machine_checks": MACHINE_CHECK,
    "services.ports.tls_options": TLS,
    "services.ports.http_options": HTTP,
    "services.ports.http_options.response": "pristine headers".split(),
    "services.ports.proxy_proto_options": ["version"],
    "checks": CHECK.split() + "type port processes".split(),
    "metrics": "port path https processes".split(),
    "mounts": """source destination initial_size snapshot_retention scheduled_snapshots
        auto_extend_size_threshold auto_extend_size_increment auto_extend_size_limit
        processes""".split(),
    "vm": VM,
    "restart": "policy retries processes".split(),
    "files": "guest_path local_path secret_name raw_value processes".split(),
    "statics": "guest_path url_prefix tigris_bucket index_document".split(),
    "experimental": """cmd entrypoint exec auto_rollback enable_consul enable_etcd lazy_load_images
        machine_config container""".split(),
}
SIGNALS = "SIGINT SIGTERM SIGQUIT SIGUSR1 SIGUSR2 SIGKILL SIGSTOP".split()
STRATEGIES = "rolling immediate canary bluegreen".split()
POLICIES = "always never on-failure".split()
REGIONS = """ams arn bom cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz""".split()
# cpus: (smallest, largest) memory in MB of one vCPU
SIZES = {"shared": (256, 2048), "performance": (2048, 8192)}
CPUS = {"shared": (1, 2, 4, 6, 8), "performance": (1, 2, 4, 6, 8, 10, 12, 14, 16)}

# (table, key): the values it takes; another one is refused.
CHOICES = {
    ("build", "compression"): ("gzip", "zstd"),
    ("http_service", "auto_stop_machines"): ("off", "stop", "suspend", False, True),
    ("services", "auto_stop_machines"): ("off", "stop", "suspend", False, True),
    ("http_service.concurrency", "type"): ("connections", "requests"),
    ("services.concurrency", "type"): ("connections", "requests"),
    ("services", "protocol"): ("tcp", "udp"),
    ("services.ports", "handlers"): ("http", "tls", "pg_tls", "proxy_proto"),
    ("vm", "persist_rootfs"): ("never", "restart", "always"),
}
