resource "aws_ecs_cluster" "this" {
  name = var.name
  tags = var.tags

  # The number of running tasks, which the worker's scaling divides by, is Container Insights'.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

locals {
  container = {
    image                  = var.image
    essential              = true
    user                   = local.user
    readonlyRootFilesystem = true
    stopTimeout            = local.stop_s
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    environment            = [for name, value in local.settings : { name = name, value = value }]
    secrets = concat(
      [for name, secret in aws_secretsmanager_secret.this : { name = name, valueFrom = secret.arn }],
      [for name, arn in var.secrets : { name = name, valueFrom = arn }],
    )
    # The image declares this directory as a volume, and so it is its user's here, too.
    mountPoints = [{ sourceVolume = "data", containerPath = local.data_dir, readOnly = false }]
  }

  # A driver that blocks would stop the service while CloudWatch is away.
  logging = { for service in concat(keys(local.services), ["once"]) : service => {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.service[service].name
      awslogs-region        = data.aws_region.current.region
      awslogs-stream-prefix = service
      mode                  = "non-blocking"
      max-buffer-size       = "25m"
    }
  } }

  # Makes and renews the tables before a service starts: repeated and concurrent runs do no harm.
  migration = merge(local.container, {
    name             = "migrate"
    command          = ["migrate"]
    essential        = false
    logConfiguration = local.logging["once"]
  })
}

resource "aws_ecs_task_definition" "service" {
  for_each = local.services

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.cpu
  memory                   = each.value.memory
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.task[each.key].arn
  tags                     = var.tags

  container_definitions = jsonencode([
    local.migration,
    merge(local.container, {
      name             = each.key
      command          = [each.key]
      dependsOn        = [{ containerName = "migrate", condition = "SUCCESS" }]
      portMappings     = [{ containerPort = each.value.port, protocol = "tcp" }]
      logConfiguration = local.logging[each.key]
      healthCheck = {
        command     = ["CMD", "cordwood", "ready", "--alive", each.key]
        interval    = 15
        timeout     = 8
        retries     = 4
        startPeriod = 60
      }
    }),
  ])

  ephemeral_storage {
    size_in_gib = each.value.disk_gib
  }

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "data"
  }
}

# What runs once and ends: migrations before an upgrade, audits, keys, by `aws ecs run-task` (outputs say how).
resource "aws_ecs_task_definition" "once" {
  family                   = "${var.name}-once"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 2048
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.task["once"].arn
  tags                     = var.tags

  container_definitions = jsonencode([
    merge(local.container, {
      name             = "once"
      command          = ["migrate"]
      logConfiguration = local.logging["once"]
    }),
  ])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "data"
  }
}
