# terraform test: plans only, against mocked providers. No account, no cost.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

mock_provider "random" {}

variables {
  image           = "ghcr.io/example/cordwood:1.0.0"
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/5f7d0e2a-0000-4000-8000-000000000000"
  ingress_cidrs   = ["203.0.113.0/24"]
}

run "what_is_stored_is_protected" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection && aws_db_instance.this.backup_retention_period == 14
    error_message = "the database is encrypted, protected and backed up"
  }
  assert {
    condition     = !aws_db_instance.this.publicly_accessible && !aws_mq_broker.this.publicly_accessible
    error_message = "neither database nor broker has a public address"
  }
  assert {
    condition     = aws_mq_broker.this.deployment_mode == "CLUSTER_MULTI_AZ" && length(aws_subnet.private) == 3
    error_message = "RabbitMQ is a cluster over three zones"
  }
  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "Redis speaks TLS and fails over"
  }
  assert {
    condition     = aws_s3_bucket_versioning.segments.versioning_configuration[0].status == "Enabled"
    error_message = "removed segments can be brought back for some days"
  }
}

run "two_of_each_service_at_least" {
  command = plan

  assert {
    condition     = alltrue([for service in aws_ecs_service.this : service.desired_count == 2])
    error_message = "each service has two tasks"
  }
  assert {
    condition     = toset(keys(aws_lb_target_group.this)) == toset(["api", "query"])
    error_message = "the load balancer leads to api and query, not to workers"
  }
}

run "figures_of_one_queue_with_rabbitmq_3" {
  command = plan

  assert {
    condition     = toset(keys(local.queue_dimensions)) == toset(["Broker", "VirtualHost", "Queue"]) && local.queue_dimensions.Queue == "cordwood.batches"
    error_message = "scaling looks at Cordwood's queue"
  }
}

run "the_brokers_figures_with_rabbitmq_4" {
  command = plan

  variables {
    broker = { engine_version = "4.2" }
  }

  assert {
    condition     = keys(local.queue_dimensions) == ["Broker"]
    error_message = "Amazon MQ publishes no figures of queues with RabbitMQ 4"
  }
}

run "settings_of_the_caller_win" {
  command = plan

  variables {
    settings = { CORDWOOD_BROKER_QUEUE = "logs", CORDWOOD_LOG_FORMAT = "text" }
  }

  assert {
    condition     = local.settings.CORDWOOD_LOG_FORMAT == "text" && local.queue_dimensions.Queue == "logs"
    error_message = "what the caller sets is what the containers get"
  }
}

run "no_bucket_is_named_where_rows_are_kept" {
  command = plan

  variables {
    keep = "rows"
  }

  assert {
    condition     = !contains(keys(local.settings), "CORDWOOD_STORE_SEGMENTS_DIR")
    error_message = "there are no segments to look for"
  }
}
