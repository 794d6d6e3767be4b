variable "name" {
  description = "What networks, volumes and containers are called, or begin with"
  type        = string
  default     = "cordwood"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "name: up to 31 lower-case letters, digits and dashes, a letter first."
  }
}

variable "image" {
  description = "The image of all services; one that is on the host already is not pulled"
  type        = string
  default     = "cordwood:latest"
}

variable "server_images" {
  description = "The images of the servers behind, and of the door"
  type = object({
    postgres = optional(string, "postgres:16-bookworm")
    rabbitmq = optional(string, "rabbitmq:3.13-management")
    redis    = optional(string, "redis:7-bookworm")
    door     = optional(string, "nginxinc/nginx-unprivileged:1.28-bookworm")
  })
  default = {}
}

variable "secrets_dir" {
  description = "Directory on the Docker host with the files that deploy/secrets.sh makes; Terraform's state holds none of them"
  type        = string

  validation {
    condition     = startswith(var.secrets_dir, "/")
    error_message = "secrets_dir: an absolute path, as /etc/cordwood/secrets."
  }
}

variable "listen_address" {
  description = "Address of the host that the door listens on"
  type        = string
  default     = "127.0.0.1"

  validation {
    condition     = var.listen_address == "127.0.0.1" || var.tls_dir != ""
    error_message = "listen_address: keys would travel unencrypted; name a certificate (tls_dir), or stay on 127.0.0.1 behind a proxy of yours."
  }
}

variable "port" {
  description = "Port of the host that the door listens on"
  type        = number
  default     = 8080

  validation {
    condition     = var.port > 0 && var.port < 65536
    error_message = "port: 1 to 65535."
  }
}

variable "tls_dir" {
  description = "Directory on the Docker host with cert.pem (the chain, too) and key.pem, readable by user 101; empty: plain HTTP"
  type        = string
  default     = ""

  validation {
    condition     = var.tls_dir == "" || startswith(var.tls_dir, "/")
    error_message = "tls_dir: an absolute path, or empty."
  }
}

variable "replicas" {
  description = "Containers of each service"
  type = object({
    api    = optional(number, 2)
    worker = optional(number, 2)
    query  = optional(number, 1)
  })
  default = {}

  validation {
    condition     = alltrue([for each in [var.replicas.api, var.replicas.worker, var.replicas.query] : each >= 1 && each <= 32])
    error_message = "replicas: 1 to 32 of each."
  }
}

variable "memory_mib" {
  description = "Memory that a container may use, MiB"
  type = object({
    api      = optional(number, 1024)
    worker   = optional(number, 2048)
    query    = optional(number, 4096)
    postgres = optional(number, 4096)
    rabbitmq = optional(number, 2048)
    redis    = optional(number, 512)
    door     = optional(number, 256)
  })
  default = {}

  validation {
    condition     = alltrue([for each in values(var.memory_mib) : each >= 64])
    error_message = "memory_mib: 64 or more."
  }
}

variable "keep" {
  description = "What events are kept as: rows in PostgreSQL, segments in a volume that PostgreSQL names, or both (CORDWOOD_STORE_KEEP)"
  type        = string
  default     = "rows"

  validation {
    condition     = contains(["rows", "segments", "both"], var.keep)
    error_message = "keep: rows, segments or both."
  }
}

variable "retention_days" {
  description = "Days that events are kept, by their timestamp; 0 keeps them for ever"
  type        = number
  default     = 0

  validation {
    condition     = var.retention_days >= 0 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days: a whole number of days, 0 or more."
  }
}

variable "settings" {
  description = "Further settings of every service, by variable (docs/reference/settings.md); they win over those of this module"
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^CORDWOOD_[A-Z0-9_]+$", name))])
    error_message = "settings: each name begins with CORDWOOD_, as in docs/reference/settings.md."
  }
  validation {
    condition     = alltrue([for name in keys(var.settings) : !can(regex("_(URL|KEYS?|PASSWORD)$", name)) || name == "CORDWOOD_ALERTS_PUBLIC_URL" || name == "CORDWOOD_CANARY_URL"])
    error_message = "settings: secrets do not belong here; put a file into secrets_dir, and its path into CORDWOOD_…_FILE."
  }
}
