"""What EC2 answers to describes, and to making networks."""

from .case import API, ERRORS, GUIDE, VPC_GUIDE, Case

DESCRIBE = [
    Case(
        "one id that does not exist fails the whole describe",
        "DescribeInstances",
        lambda s: {"InstanceIds": [s.instance, "i-0123456789abcdef0"]},
        ERRORS,
        error="InvalidInstanceID.NotFound",
    ),
    Case(
        "a filter on ids leaves out what does not exist",
        "DescribeInstances",
        lambda s: {"Filters": [{"Name": "instance-id", "Values": [s.instance, "i-0123456789abcdef0"]}]},
        f"{GUIDE}Using_Filtering.html",
        answer=lambda answer, s: (
            [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]] == [s.instance]
        ),
    ),
    Case(
        "MaxResults and ids exclude each other",
        "DescribeInstances",
        lambda s: {"InstanceIds": [s.instance], "MaxResults": 5},
        f"{API}API_DescribeInstances.html",
        error="InvalidParameterCombination",
        message="The parameter instancesSet cannot be used with the parameter maxResults",
    ),
    Case(
        "a page of fewer than five is refused",
        "DescribeInstances",
        lambda _: {"MaxResults": 4},
        f"{API}API_DescribeInstances.html",
        error="InvalidParameterValue",
        message="Expecting a value greater than 5",
    ),
    Case(
        "a page of more than a thousand is refused",
        "DescribeNetworkInterfaces",
        lambda _: {"MaxResults": 1001},
        f"{API}API_DescribeNetworkInterfaces.html",
        error="InvalidParameterValue",
        message="Expecting a value smaller than 1000",
        code_is_ours=True,
    ),
    Case(
        "a page of a thousand is the largest",
        "DescribeNetworkInterfaces",
        lambda _: {"MaxResults": 1000},
        f"{API}API_DescribeNetworkInterfaces.html",
        answer=lambda answer, _: len(answer["NetworkInterfaces"]) == 2,
    ),
    Case(
        "a filter that does not exist is refused",
        "DescribeNetworkInterfaces",
        lambda _: {"Filters": [{"Name": "colour", "Values": ["red"]}]},
        f"{GUIDE}Using_Filtering.html",
        error="InvalidParameterValue",
        message="The filter 'colour' is invalid",
    ),
    Case(
        "201 filter values are too many",
        "DescribeInstances",
        lambda _: {"Filters": [{"Name": "instance-id", "Values": [f"i-{n:017x}" for n in range(201)]}]},
        f"{GUIDE}Using_Filtering.html",
        error="FilterLimitExceeded",
    ),
    Case(
        "a page token that is none is refused",
        "DescribeInstances",
        lambda _: {"NextToken": "bm90LWEtdG9rZW4="},
        ERRORS,
        error="InvalidNextToken",
        code_is_ours=True,
    ),
    Case(
        "a NIC's tags are not in DescribeInstances",
        "DescribeInstances",
        lambda s: {"InstanceIds": [s.instance]},
        f"{API}API_InstanceNetworkInterface.html",
        before=lambda s: s.call("CreateTags", Resources=[s.nic0], Tags=[{"Key": "k", "Value": "v"}]),
        answer=lambda answer, _: (
            {"TagSet", "Tags"} & set(answer["Reservations"][0]["Instances"][0]["NetworkInterfaces"][0]) == set()
        ),
    ),
    Case(
        "a NIC's tags are in DescribeNetworkInterfaces",
        "DescribeNetworkInterfaces",
        lambda s: {"Filters": [{"Name": "attachment.instance-id", "Values": [s.instance]}]},
        f"{API}API_NetworkInterface.html",
        before=lambda s: s.call("CreateTags", Resources=[s.nic0], Tags=[{"Key": "k", "Value": "v"}]),
        answer=lambda answer, _: answer["NetworkInterfaces"][0]["TagSet"] == [{"Key": "k", "Value": "v"}],
    ),
    Case(
        "a subnet has five addresses fewer than its block, less what is assigned",
        "DescribeSubnets",
        lambda s: {"SubnetIds": [s.tiny]},
        f"{VPC_GUIDE}subnet-sizing.html",
        before=lambda s: s.create_eni(SubnetId=s.tiny, SecondaryPrivateIpAddressCount=2),
        answer=lambda answer, _: answer["Subnets"][0]["AvailableIpAddressCount"] == 8,
    ),
    Case(
        "a prefix takes sixteen of the free addresses",
        "DescribeSubnets",
        lambda s: {"SubnetIds": [s.b]},
        f"{GUIDE}ec2-prefix-eni.html",
        before=lambda s: s.create_eni(SubnetId=s.b, Ipv4PrefixCount=1),
        answer=lambda answer, _: answer["Subnets"][0]["AvailableIpAddressCount"] == 251 - 1 - 16,
    ),
    Case(
        "an instance type says how many NICs and addresses it takes",
        "DescribeInstanceTypes",
        lambda _: {"InstanceTypes": ["m5.large"]},
        "moto: instance_types.json",
        answer=lambda answer, _: answer["InstanceTypes"][0]["NetworkInfo"]["MaximumNetworkInterfaces"] == 3,
    ),
    Case(
        "an unknown instance type is refused",
        "DescribeInstanceTypes",
        lambda _: {"InstanceTypes": ["m5.tiny"]},
        ERRORS,
        error="InvalidInstanceType",
    ),
    Case(
        "a subnet must be within the VPC",
        "CreateSubnet",
        lambda s: {"VpcId": s.network.vpc_id, "CidrBlock": "10.9.0.0/24"},
        ERRORS,
        error="InvalidSubnet.Range",
    ),
    Case(
        "a subnet must not overlap another",
        "CreateSubnet",
        lambda s: {"VpcId": s.network.vpc_id, "CidrBlock": "10.0.0.128/25"},
        ERRORS,
        error="InvalidSubnet.Conflict",
    ),
]
