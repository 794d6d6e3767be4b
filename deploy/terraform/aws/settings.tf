# What the containers are told. tests/deploy holds every name here against those that Cordwood has.

locals {
  services = {
    api    = { port = 8080, cpu = var.api.cpu, memory = var.api.memory, min = var.api.min, max = var.api.max, disk_gib = 21 }
    query  = { port = 8081, cpu = var.query.cpu, memory = var.query.memory, min = var.query.min, max = var.query.max, disk_gib = var.query.disk_gib }
    worker = { port = 8082, cpu = var.worker.cpu, memory = var.worker.memory, min = var.worker.min, max = var.worker.max, disk_gib = var.worker.disk_gib }
  }

  data_dir = "/var/lib/cordwood"
  user     = "10001"

  # Stopping: the load balancer hears first (deregistration), then the task is told, then it is killed after stop_s.
  drain_s          = 5
  graceful_s       = 30
  worker_drain_s   = 30
  stop_s           = 2 * local.drain_s + max(local.graceful_s, local.worker_drain_s) + 15
  deregistration_s = 30

  settings = merge({
    CORDWOOD_DATA_DIR                = local.data_dir
    CORDWOOD_HTTP_HOST               = "0.0.0.0"
    CORDWOOD_HTTP_DRAIN_S            = tostring(local.drain_s)
    CORDWOOD_HTTP_GRACEFUL_TIMEOUT_S = tostring(local.graceful_s)
    CORDWOOD_WORKER_DRAIN_TIMEOUT_S  = tostring(local.worker_drain_s)
    # Longer than the load balancer's, or it would send a request into a connection that is being closed.
    CORDWOOD_HTTP_IDLE_TIMEOUT_S  = tostring(var.idle_timeout_s + 15)
    CORDWOOD_STORE_KEEP           = var.keep
    CORDWOOD_STORE_RETENTION_DAYS = tostring(var.retention_days)
    CORDWOOD_STORE_ROWS_DAYS      = tostring(var.rows_days)
    CORDWOOD_LOG_FORMAT           = "json"
    # Where Python puts temporary files: the only place that can be written to.
    TMPDIR = local.data_dir
    }, var.keep == "rows" ? {} : {
    CORDWOOD_STORE_SEGMENTS_DIR = "s3://${aws_s3_bucket.segments.bucket}/${local.segments_prefix}"
    CORDWOOD_STORE_S3_REGION    = data.aws_region.current.region
  }, var.settings)
}
