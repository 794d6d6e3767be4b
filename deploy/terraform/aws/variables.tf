variable "name" {
  description = "What every resource is called, or begins with"
  type        = string
  default     = "cordwood"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}[a-z0-9]$", var.name))
    error_message = "name: 3 to 22 lower-case letters, digits and dashes, a letter first: load balancers take no longer one."
  }
}

variable "image" {
  description = "The image of all services, with a tag or a digest, as ghcr.io/OWNER/cordwood@sha256:…"
  type        = string

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]*)$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image: name a tag or a digest; what \"latest\" is changes between two tasks of one service."
  }
}

variable "tags" {
  description = "Tags of every resource that takes some"
  type        = map(string)
  default     = {}
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
    error_message = "settings: secrets do not belong here, they would be readable in the task definition; see secrets."
  }
}

variable "secrets" {
  description = "Further secret settings of every service: variable to the ARN of a secret in Secrets Manager that holds its value"
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, arn in var.secrets : can(regex("^CORDWOOD_[A-Z0-9_]+$", name)) && can(regex("^arn:[a-z-]+:secretsmanager:", arn))])
    error_message = "secrets: CORDWOOD_… to the ARN of a secret, arn:aws:secretsmanager:…"
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

variable "deletion_protection" {
  description = "Refuse to destroy the database, the load balancer and a bucket with segments in it; false before terraform destroy"
  type        = bool
  default     = true
}

variable "log_days" {
  description = "Days that CloudWatch keeps the services' own logs"
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_days)
    error_message = "log_days: one of the spans that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827."
  }
}

variable "alarm_email" {
  description = "Address that alarms are mailed to, once it has confirmed; empty mails nobody. Others subscribe to the output alarm_topic_arn"
  type        = string
  default     = ""

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "alarm_email: an address, as ops@example.org, or empty."
  }
}

variable "architecture" {
  description = "Processors of the tasks; the image has to be made for it"
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "architecture: ARM64 or X86_64."
  }
}
