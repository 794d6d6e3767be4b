# Three nodes, or one. Batches are in a quorum queue, which Amazon MQ has from RabbitMQ 3.13 on.

locals {
  # Cordwood's own default, named here because CloudWatch asks for it.
  queue = lookup(var.settings, "CORDWOOD_BROKER_QUEUE", "cordwood.batches")

  # Figures of single queues: dimensions Broker, VirtualHost and Queue. Amazon MQ publishes none of RabbitMQ 4; there
  # the broker's are taken, in which the few dead letters on their way count too.
  queue_dimensions = startswith(var.broker.engine_version, "3.") ? {
    Broker      = aws_mq_broker.this.broker_name
    VirtualHost = "/"
    Queue       = local.queue
    } : {
    Broker = aws_mq_broker.this.broker_name
  }
}

resource "aws_mq_broker" "this" {
  # checkov:skip=CKV_AWS_208: the variable takes 3.13 and newer ones only
  # checkov:skip=CKV_AWS_48: audit logs are ActiveMQ's; RabbitMQ on Amazon MQ has the general one, and that is on
  # checkov:skip=CKV_AWS_209: Amazon MQ encrypts RabbitMQ's disks with its own key; it takes no other there
  broker_name                = var.name
  engine_type                = "RabbitMQ"
  engine_version             = var.broker.engine_version
  host_instance_type         = var.broker.instance_type
  deployment_mode            = var.broker.cluster ? "CLUSTER_MULTI_AZ" : "SINGLE_INSTANCE"
  auto_minor_version_upgrade = true
  publicly_accessible        = false
  subnet_ids                 = var.broker.cluster ? aws_subnet.private[*].id : [aws_subnet.private[0].id]
  security_groups            = [aws_security_group.broker.id]
  tags                       = var.tags

  # Amazon MQ makes one user; changing it makes the broker anew.
  user {
    username = "cordwood"
    password = random_password.broker.result
  }

  logs {
    general = true
  }
}
