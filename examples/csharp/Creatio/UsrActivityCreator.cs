namespace Terrasoft.Configuration
{
    using System;
    using System.Collections.Generic;
    using Terrasoft.Core;
    using Terrasoft.Core.Tasks;

    public class UsrActivityData
    {
        public UsrActivityData(string title)
        {
            Title = title;
        }

        public string Title { get; private set; }

        public Dictionary<string, object> Values { get; set; }
    }

    public class UsrActivityCreator : IBackgroundTask<UsrActivityData>, IUserConnectionRequired
    {
        private UserConnection _userConnection;

        public void Run(UsrActivityData parameters)
        {
            Console.WriteLine("{0} of {1}", parameters.Title, _userConnection.Identity.Name);
            foreach (var value in parameters.Values)
            {
                Console.WriteLine("{0}: {1} {2}", value.Key, value.Value.GetType().Name, value.Value);
            }
        }

        public void SetUserConnection(UserConnection userConnection)
        {
            _userConnection = userConnection;
        }
    }
}
