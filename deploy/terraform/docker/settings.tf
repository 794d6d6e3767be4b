# What the containers are told. tests/deploy holds every name here against those that Cordwood has.

locals {
  services = {
    api    = { port = 8080, count = var.replicas.api }
    query  = { port = 8081, count = var.replicas.query }
    worker = { port = 8082, count = var.replicas.worker }
  }
  containers = merge([
    for service, each in local.services : { for n in range(each.count) : "${service}-${n}" => { service = service, port = each.port } }
  ]...)

  data_dir     = "/var/lib/cordwood"
  secrets      = "/run/secrets"
  segments_dir = "/var/lib/cordwood-segments"
  user         = "10001:10001"

  drain_s        = 5
  graceful_s     = 10
  worker_drain_s = 20
  stop_s         = 2 * local.drain_s + max(local.graceful_s, local.worker_drain_s) + 15

  settings = merge({
    CORDWOOD_DATA_DIR                = local.data_dir
    CORDWOOD_HTTP_HOST               = "0.0.0.0"
    CORDWOOD_HTTP_DRAIN_S            = tostring(local.drain_s)
    CORDWOOD_HTTP_GRACEFUL_TIMEOUT_S = tostring(local.graceful_s)
    CORDWOOD_WORKER_DRAIN_TIMEOUT_S  = tostring(local.worker_drain_s)
    CORDWOOD_STORE_URL_FILE          = "${local.secrets}/store_url"
    CORDWOOD_BROKER_URL_FILE         = "${local.secrets}/broker_url"
    CORDWOOD_CACHE_URL_FILE          = "${local.secrets}/cache_url"
    CORDWOOD_TENANCY_API_KEYS_FILE   = "${local.secrets}/api_keys"
    CORDWOOD_STORE_KEEP              = var.keep
    CORDWOOD_STORE_RETENTION_DAYS    = tostring(var.retention_days)
    CORDWOOD_LOG_FORMAT              = "json"
    }, var.keep == "rows" ? {} : {
    CORDWOOD_STORE_SEGMENTS_DIR = local.segments_dir
  }, var.settings)

  environment = [for name, value in local.settings : "${name}=${value}"]
  files       = ["store_url", "broker_url", "cache_url", "api_keys"]
}
