variable "database" {
  description = "RDS PostgreSQL: instance class, storage at first and at most (GiB), standby in another zone, days of backups, version, and the PEM file of RDS's authorities in the image (empty: encrypted, server not verified)"
  type = object({
    instance_class  = optional(string, "db.m7g.large")
    storage_gib     = optional(number, 100)
    max_storage_gib = optional(number, 1000)
    multi_az        = optional(bool, true)
    backup_days     = optional(number, 14)
    engine_version  = optional(string, "16")
    ca_file         = optional(string, "")
  })
  default = {}

  validation {
    condition     = var.database.storage_gib >= 20 && var.database.max_storage_gib > var.database.storage_gib
    error_message = "database: storage_gib is 20 or more, max_storage_gib more than that."
  }
  validation {
    condition     = var.database.backup_days >= 1 && var.database.backup_days <= 35
    error_message = "database: backup_days is 1 to 35; without backups there is no restoring to a point in time."
  }
  validation {
    condition     = tonumber(split(".", var.database.engine_version)[0]) >= 16
    error_message = "database: engine_version is 16 or newer."
  }
}

variable "broker" {
  description = "Amazon MQ for RabbitMQ: instance type, a cluster of three nodes or one, and version. CloudWatch has figures of single queues with 3.13 only; with 4.x the whole broker's are taken"
  type = object({
    instance_type  = optional(string, "mq.m7g.large")
    cluster        = optional(bool, true)
    engine_version = optional(string, "3.13")
  })
  default = {}

  validation {
    condition     = contains(["3.13", "4.2", "4.3"], var.broker.engine_version)
    error_message = "broker: engine_version is 3.13, 4.2 or 4.3; older ones have no quorum queues on Amazon MQ."
  }
  validation {
    condition     = startswith(var.broker.engine_version, "3.") || startswith(var.broker.instance_type, "mq.m7g.")
    error_message = "broker: RabbitMQ 4 runs on mq.m7g instances only."
  }
}

variable "cache" {
  description = "ElastiCache for Redis: node type, and number of nodes; from two on one takes over when another fails"
  type = object({
    node_type = optional(string, "cache.t4g.small")
    nodes     = optional(number, 2)
  })
  default = {}

  validation {
    condition     = var.cache.nodes >= 1 && var.cache.nodes <= 6
    error_message = "cache: 1 to 6 nodes."
  }
}

variable "keep" {
  description = "What events are kept as: rows in PostgreSQL, segments in S3 that PostgreSQL names, or both (CORDWOOD_STORE_KEEP)"
  type        = string
  default     = "both"

  validation {
    condition     = contains(["rows", "segments", "both"], var.keep)
    error_message = "keep: rows, segments or both."
  }
}

variable "rows_days" {
  description = "Days that rows beside segments are kept; 0: as long as the segments (CORDWOOD_STORE_ROWS_DAYS)"
  type        = number
  default     = 0

  validation {
    condition     = var.rows_days == 0 || var.keep == "both"
    error_message = "rows_days: rows are kept beside segments only with keep = both."
  }
}

variable "segment_versions_days" {
  description = "Days that S3 keeps a segment after it was removed, against mistakes; what retention or a deletion removes stays readable so much longer"
  type        = number
  default     = 7

  validation {
    condition     = var.segment_versions_days >= 1
    error_message = "segment_versions_days: 1 or more."
  }
}

variable "api" {
  description = "The api service: CPU units and MiB of a task, least and most tasks, and the CPU use in percent at which more are started"
  type = object({
    cpu        = optional(number, 1024)
    memory     = optional(number, 2048)
    min        = optional(number, 2)
    max        = optional(number, 10)
    target_cpu = optional(number, 60)
  })
  default = {}

  validation {
    condition     = var.api.min >= 1 && var.api.max >= var.api.min && var.api.target_cpu > 0 && var.api.target_cpu < 100
    error_message = "api: 1 <= min <= max, target_cpu between 0 and 100."
  }
}

variable "worker" {
  description = "The worker service: CPU units and MiB of a task, least and most tasks, GiB of disk, and the batches waiting for each task at which more are started"
  type = object({
    cpu            = optional(number, 1024)
    memory         = optional(number, 4096)
    min            = optional(number, 2)
    max            = optional(number, 10)
    disk_gib       = optional(number, 30)
    target_backlog = optional(number, 500)
  })
  default = {}

  validation {
    condition     = var.worker.min >= 1 && var.worker.max >= var.worker.min && var.worker.target_backlog > 256
    error_message = "worker: 1 <= min <= max; target_backlog is more than the 256 batches that a worker holds in hand (CORDWOOD_WORKER_PREFETCH)."
  }
  validation {
    condition     = var.worker.disk_gib >= 21 && var.worker.disk_gib <= 200
    error_message = "worker: disk_gib is 21 to 200, as Fargate gives."
  }
}

variable "query" {
  description = "The query service: CPU units and MiB of a task, least and most tasks, GiB of disk, and the CPU use in percent at which more are started"
  type = object({
    cpu        = optional(number, 2048)
    memory     = optional(number, 8192)
    min        = optional(number, 2)
    max        = optional(number, 6)
    disk_gib   = optional(number, 40)
    target_cpu = optional(number, 60)
  })
  default = {}

  validation {
    condition     = var.query.min >= 1 && var.query.max >= var.query.min && var.query.target_cpu > 0 && var.query.target_cpu < 100
    error_message = "query: 1 <= min <= max, target_cpu between 0 and 100."
  }
  validation {
    condition     = var.query.disk_gib >= 21 && var.query.disk_gib <= 200
    error_message = "query: disk_gib is 21 to 200, as Fargate gives."
  }
}

variable "alarms" {
  description = "Where alarms begin: batches waiting, answers with 5xx in five minutes, GiB left on the database's disk"
  type = object({
    backlog          = optional(number, 20000)
    errors           = optional(number, 10)
    free_storage_gib = optional(number, 20)
  })
  default = {}
}

variable "audit_minutes" {
  description = "Minutes between two looks into the ledger (cordwood audit --quick), each a task; whatever it finds goes to the alarm topic. 0 never looks"
  type        = number
  default     = 60

  validation {
    condition     = var.audit_minutes == 0 || (var.audit_minutes >= 5 && var.audit_minutes <= 1440)
    error_message = "audit_minutes: 0, or 5 to 1440."
  }
}
